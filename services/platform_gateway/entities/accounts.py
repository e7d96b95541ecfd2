"""Accounts and what lies between two of them."""

from msgspec import UNSET, Struct, UnsetType


class CustomEmoji(Struct, kw_only=True):
    """https://docs.joinmastodon.org/entities/CustomEmoji/."""

    shortcode: str
    url: str
    static_url: str
    visible_in_picker: bool = False


class ProfileField(Struct, kw_only=True):
    """One row of a profile's table; `verified_at` is set where the link points back."""

    name: str
    value: str
    verified_at: str | None = None


class Role(Struct, kw_only=True):
    """What an account may do here."""

    id: str = "-99"
    name: str = ""
    permissions: str = "0"
    color: str = ""
    highlighted: bool = False


class AccountSource(Struct, kw_only=True):
    """The settings that only the account itself sees."""

    privacy: str
    sensitive: bool
    language: str | None
    note: str
    fields: list[ProfileField]
    follow_requests_count: int
    hide_collections: bool | None = False
    discoverable: bool | None = False
    indexable: bool = False
    attribution_domains: list[str] = []
    quote_policy: str = "public"


class Account(Struct, kw_only=True):
    """https://docs.joinmastodon.org/entities/Account/."""

    id: str
    username: str
    acct: str
    display_name: str
    locked: bool
    bot: bool
    discoverable: bool
    indexable: bool
    group: bool
    created_at: str
    note: str
    url: str
    uri: str
    avatar: str
    avatar_static: str
    header: str
    header_static: str
    followers_count: int
    following_count: int
    statuses_count: int
    last_status_at: str | None
    hide_collections: bool | None
    emojis: list[CustomEmoji]
    fields: list[ProfileField]
    avatar_description: str = ""
    header_description: str = ""
    roles: list[Role] | UnsetType = UNSET
    noindex: bool | UnsetType = UNSET
    suspended: bool | UnsetType = UNSET
    moved: "Account | UnsetType" = UNSET
    source: AccountSource | UnsetType = UNSET
    role: Role | UnsetType = UNSET


class Relationship(Struct, kw_only=True):
    """https://docs.joinmastodon.org/entities/Relationship/."""

    id: str
    following: bool
    showing_reblogs: bool
    followed_by: bool
    blocking: bool
    blocked_by: bool
    muting: bool
    muting_notifications: bool
    requested: bool
    requested_by: bool
    notifying: bool = False
    languages: list[str] | None = None
    muting_expires_at: str | None = None
    domain_blocking: bool = False
    endorsed: bool = False
    note: str = ""


class FamiliarFollowers(Struct, kw_only=True):
    """Who of those I follow follows an account."""

    id: str
    accounts: list[Account]
