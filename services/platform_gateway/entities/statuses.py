"""Posts and what hangs on them."""

from msgspec import UNSET, Struct, UnsetType

from services.platform_gateway.entities.accounts import Account, CustomEmoji
from services.platform_gateway.entities.filters import FilterResult


class Application(Struct, kw_only=True, omit_defaults=True):
    """The app a post was written with."""

    name: str
    website: str | None = None


class MentionedAccount(Struct, kw_only=True):
    """Somebody named in a post."""

    id: str
    username: str
    url: str
    acct: str


class StatusTag(Struct, kw_only=True):
    """A hashtag of a post, in lower case, and its page."""

    name: str
    url: str


class Size(Struct, kw_only=True):
    """Width and height in pixels."""

    width: int
    height: int
    size: str
    aspect: float


class Focus(Struct, kw_only=True):
    """The point to keep in view, from -1 to 1 in each direction."""

    x: float
    y: float


class MediaMeta(Struct, kw_only=True, omit_defaults=True):
    """What is known of a medium's shape."""

    original: Size | None = None
    focus: Focus | None = None


class MediaAttachment(Struct, kw_only=True):
    """https://docs.joinmastodon.org/entities/MediaAttachment/."""

    id: str
    type: str
    url: str
    preview_url: str
    remote_url: str | None
    text_url: None = None
    meta: MediaMeta
    description: str | None
    blurhash: str | None


class PollChoice(Struct, kw_only=True):
    """One choice of a poll."""

    title: str
    votes_count: int


class Poll(Struct, kw_only=True):
    """https://docs.joinmastodon.org/entities/Poll/."""

    id: str
    expires_at: str | None
    expired: bool
    multiple: bool
    votes_count: int
    voters_count: int | None
    options: list[PollChoice]
    emojis: list[CustomEmoji]
    voted: bool = False
    own_votes: list[int] = []


class Status(Struct, kw_only=True):
    """https://docs.joinmastodon.org/entities/Status/."""

    id: str
    created_at: str
    in_reply_to_id: str | None
    in_reply_to_account_id: str | None
    sensitive: bool
    spoiler_text: str
    visibility: str
    language: str | None
    uri: str
    url: str
    replies_count: int
    reblogs_count: int
    favourites_count: int
    quotes_count: int = 0
    edited_at: str | None
    content: str
    reblog: "Status | None"
    account: Account
    media_attachments: list[MediaAttachment]
    mentions: list[MentionedAccount]
    tags: list[StatusTag]
    emojis: list[CustomEmoji]
    card: None = None
    poll: Poll | None
    quote: "Quote | None" = None
    quote_approval: "QuoteApproval"
    application: Application | UnsetType | None = UNSET
    text: str | UnsetType = UNSET
    favourited: bool | UnsetType = UNSET
    reblogged: bool | UnsetType = UNSET
    muted: bool | UnsetType = UNSET
    bookmarked: bool | UnsetType = UNSET
    pinned: bool | UnsetType = UNSET
    filtered: list[FilterResult] | UnsetType = UNSET


class Quote(Struct, kw_only=True):
    """https://docs.joinmastodon.org/entities/Quote/; what the quoted post quotes itself is left out.

    `state` is pending, accepted, rejected, revoked, deleted or unauthorized.
    """

    state: str
    quoted_status: Status | None = None


class QuoteApproval(Struct, kw_only=True):
    """Who may quote a post: without being asked about, after it, and whether the viewer may."""

    automatic: list[str]
    manual: list[str] = []
    current_user: str = "unknown"


class Context(Struct, kw_only=True):
    """The thread around a post."""

    ancestors: list[Status]
    descendants: list[Status]


class StatusEdit(Struct, kw_only=True):
    """One version of a post, the oldest first."""

    content: str
    spoiler_text: str
    sensitive: bool
    created_at: str
    account: Account
    media_attachments: list[MediaAttachment]
    emojis: list[CustomEmoji]


class StatusSource(Struct, kw_only=True):
    """What the author wrote."""

    id: str
    text: str
    spoiler_text: str


class Notification(Struct, kw_only=True):
    """https://docs.joinmastodon.org/entities/Notification/."""

    id: str
    type: str
    created_at: str
    group_key: str
    account: Account
    status: Status | UnsetType = UNSET


class TagHistory(Struct, kw_only=True):
    """How much a hashtag was used on one day."""

    day: str
    uses: str
    accounts: str


class Tag(Struct, kw_only=True):
    """A hashtag on its own."""

    id: str
    name: str
    url: str
    history: list[TagHistory]
    following: bool = False


class FeaturedTag(Struct, kw_only=True):
    """https://docs.joinmastodon.org/entities/FeaturedTag/; the count is a text there, too."""

    id: str
    name: str
    url: str
    statuses_count: str
    last_status_at: str | None


class Search(Struct, kw_only=True):
    """What a search found."""

    accounts: list[Account]
    statuses: list[Status]
    hashtags: list[Tag]


class OldSearch(Struct, kw_only=True):
    """What a search found, as version 1 of the API has it: hashtags by name only."""

    accounts: list[Account]
    statuses: list[Status]
    hashtags: list[str]
