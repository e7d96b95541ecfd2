"""The site itself: limits that clients keep to, and what they show of it."""

from msgspec import Struct, field

from services.platform_gateway.media.pictures import FORMATS, MAX_BYTES, MAX_PIXELS
from shared.actions import polls
from shared.actions.media import MAX_ATTACHMENTS, MAX_DESCRIPTION
from shared.actions.pins import MAX_PINS


class StatusLimits(Struct, kw_only=True):
    """What a post may hold."""

    max_characters: int
    max_media_attachments: int = MAX_ATTACHMENTS
    characters_reserved_per_url: int = 23


class AccountLimits(Struct, kw_only=True):
    """What a profile may hold."""

    max_featured_tags: int = 0
    max_pinned_statuses: int = MAX_PINS
    max_profile_fields: int = 4


class MediaLimits(Struct, kw_only=True):
    """Which media may be uploaded: pictures."""

    supported_mime_types: list[str] = field(default_factory=lambda: list(FORMATS.values()))
    image_size_limit: int = MAX_BYTES
    image_matrix_limit: int = MAX_PIXELS
    video_size_limit: int = 0
    video_frame_rate_limit: int = 0
    video_matrix_limit: int = 0
    description_limit: int = MAX_DESCRIPTION


class PollLimits(Struct, kw_only=True):
    """What a poll may hold, and how many seconds it may last."""

    max_options: int = polls.MAX_OPTIONS
    max_characters_per_option: int = polls.MAX_OPTION
    min_expiration: int = polls.MIN_SECONDS
    max_expiration: int = polls.MAX_SECONDS


class Flag(Struct, kw_only=True):
    """Something that is switched on or off."""

    enabled: bool = False


class Vapid(Struct, kw_only=True):
    """The key of push notifications: there are none."""

    public_key: str = ""


class Feed(Struct, kw_only=True):
    """Who may read a feed."""

    local: str = "public"
    remote: str = "public"


class Feeds(Struct, kw_only=True):
    """Who may read which feeds."""

    live_feeds: Feed = field(default_factory=Feed)
    hashtag_feeds: Feed = field(default_factory=Feed)
    trending_link_feeds: Feed = field(default_factory=Feed)


class Configuration(Struct, kw_only=True):
    """Everything that clients keep to."""

    statuses: StatusLimits
    urls: dict[str, str] = {}
    vapid: Vapid = field(default_factory=Vapid)
    accounts: AccountLimits = field(default_factory=AccountLimits)
    media_attachments: MediaLimits = field(default_factory=MediaLimits)
    polls: PollLimits = field(default_factory=PollLimits)
    translation: Flag = field(default_factory=Flag)
    timelines_access: Feeds = field(default_factory=Feeds)


class Stats(Struct, kw_only=True):
    """How large the site is."""

    user_count: int
    status_count: int
    domain_count: int


class Instance(Struct, kw_only=True):
    """https://docs.joinmastodon.org/entities/V1_Instance/."""

    uri: str
    title: str
    short_description: str
    description: str
    version: str
    urls: dict[str, str]
    stats: Stats
    thumbnail: str
    configuration: Configuration
    email: str = ""
    languages: list[str] = field(default_factory=lambda: ["en"])
    registrations: bool = False
    approval_required: bool = False
    invites_enabled: bool = False
    contact_account: None = None
    rules: list[str] = []


class UsageUsers(Struct, kw_only=True):
    """People who were here in the last 30 days."""

    active_month: int


class Usage(Struct, kw_only=True):
    """How much the site is used."""

    users: UsageUsers


class Thumbnail(Struct, kw_only=True):
    """The site's picture."""

    url: str
    blurhash: str | None = None
    versions: dict[str, str] = {}


class Registrations(Struct, kw_only=True):
    """How one gets an account: the platform makes them."""

    enabled: bool = False
    approval_required: bool = False
    message: str | None = None
    url: str | None = None


class Contact(Struct, kw_only=True):
    """Whom to ask."""

    email: str = ""
    account: None = None


class InstanceV2(Struct, kw_only=True):
    """https://docs.joinmastodon.org/entities/Instance/."""

    domain: str
    title: str
    version: str
    description: str
    usage: Usage
    thumbnail: Thumbnail
    configuration: Configuration
    source_url: str = ""
    icon: list[dict[str, str]] = []
    languages: list[str] = field(default_factory=lambda: ["en"])
    registrations: Registrations = field(default_factory=Registrations)
    api_versions: dict[str, int] = field(default_factory=lambda: {"mastodon": 2})
    contact: Contact = field(default_factory=Contact)
    rules: list[str] = []


class DomainBlock(Struct, kw_only=True):
    """A moderated server, as the public is told."""

    domain: str
    digest: str
    severity: str
    comment: str


class ExtendedDescription(Struct, kw_only=True):
    """What the site says of itself at length."""

    updated_at: str | None = None
    content: str
