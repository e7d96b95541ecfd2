"""Local accounts as their pages show them."""

from datetime import datetime

import msgspec
from msgspec import Struct

from shared.database.page_actors import PageActor, actor_columns, actor_of
from shared.database.pool import Connection
from shared.protocol.objects import ActorKind


class PageField(Struct, frozen=True, kw_only=True):
    """A row of a profile's table; `verified_at` is set once the page it links to has linked back."""

    name: str
    value: str
    verified_at: datetime | None = None


class PageProfile(Struct, frozen=True, kw_only=True):
    """A local account as its page shows it; `gone` once it was suspended or deleted."""

    actor: PageActor
    federated: bool
    summary: str
    image: str
    fields: tuple[PageField, ...]
    locked: bool
    bot: bool
    indexable: bool
    moved_to: str | None
    followers_count: int
    following_count: int
    statuses_count: int
    created_at: datetime
    gone: bool


_fields = msgspec.json.Decoder(tuple[PageField, ...])

_PROFILE = f"""
SELECT {actor_columns("a")}, c.federated, a.kind, a.summary, a.image, a.fields::text AS fields, a.locked,
       a.indexable, a.moved_to, a.followers_count, a.following_count, a.statuses_count, a.created_at,
       a.deleted_at IS NOT NULL OR a.suspended_at IS NOT NULL AS gone
  FROM actors a
  JOIN accounts c ON c.actor_id = a.id
 WHERE lower(a.username) = lower($1) AND a.local AND a.kind <> {ActorKind.APPLICATION.value}
 ORDER BY a.deleted_at NULLS FIRST
 LIMIT 1
"""  # noqa: S608 - constant columns and a number


async def profile_by_name(conn: Connection, username: str) -> PageProfile | None:
    """Return a local account's profile, also one that is gone."""
    row = await conn.fetchrow(_PROFILE, username)
    if row is None:
        return None
    return PageProfile(
        actor=actor_of(row, "a"),
        federated=row["federated"],
        summary=row["summary"],
        image=row["image"],
        fields=_fields.decode(row["fields"]),
        locked=row["locked"],
        bot=row["kind"] == ActorKind.SERVICE,
        indexable=row["indexable"],
        moved_to=row["moved_to"],
        followers_count=row["followers_count"],
        following_count=row["following_count"],
        statuses_count=row["statuses_count"],
        created_at=row["created_at"],
        gone=row["gone"],
    )
