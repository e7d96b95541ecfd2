"""Lists of accounts."""

from msgspec import Struct


class UserList(Struct, kw_only=True):
    """https://docs.joinmastodon.org/entities/List/."""

    id: str
    title: str
    replies_policy: str
    exclusive: bool
