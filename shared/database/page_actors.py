"""Who wrote what a page shows."""

import msgspec
from asyncpg import Record
from msgspec import Struct

from shared.protocol.objects import Emoji

_emojis = msgspec.json.Decoder(tuple[Emoji, ...])


class PageActor(Struct, frozen=True, kw_only=True):
    """Who wrote a post."""

    id: int
    uri: str
    url: str
    local: bool
    username: str
    domain: str
    display_name: str
    icon: str
    emojis: tuple[Emoji, ...]

    @property
    def name(self) -> str:
        """The name to show."""
        return self.display_name or self.username


def actor_columns(alias: str) -> str:
    """Return the columns that `actor_of` reads, from a table under this alias."""
    names = ("id", "uri", "url", "local", "username", "domain", "display_name", "icon")
    plain = ", ".join(f"{alias}.{name} AS {alias}_{name}" for name in names)
    return f"{plain}, {alias}.emojis::text AS {alias}_emojis"


def actor_of(row: Record, alias: str) -> PageActor:
    """Return the actor in a row that has `actor_columns`."""
    return PageActor(
        id=row[f"{alias}_id"],
        uri=row[f"{alias}_uri"],
        url=row[f"{alias}_url"],
        local=row[f"{alias}_local"],
        username=row[f"{alias}_username"],
        domain=row[f"{alias}_domain"],
        display_name=row[f"{alias}_display_name"],
        icon=row[f"{alias}_icon"],
        emojis=_emojis.decode(row[f"{alias}_emojis"]),
    )
