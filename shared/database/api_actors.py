"""Accounts as the client API shows them."""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec
from asyncpg import Record
from msgspec import Struct

from shared.database.pool import Connection
from shared.protocol.objects import ActorKind, Emoji, QuotePolicy, Visibility


class FieldRow(Struct, frozen=True):
    """One row of a profile's table; `verified_at` is set where the link points back."""

    name: str
    value: str
    verified_at: str | None = None


class ProfileRow(Struct, frozen=True, kw_only=True):
    """A local or remote actor, whole."""

    id: int
    uri: str
    local: bool
    kind: ActorKind
    username: str
    domain: str
    display_name: str
    summary: str
    url: str
    icon: str
    image: str
    fields: tuple[FieldRow, ...]
    emojis: tuple[Emoji, ...]
    locked: bool
    discoverable: bool
    indexable: bool
    followers_count: int
    following_count: int
    statuses_count: int
    last_status_at: datetime | None
    created_at: datetime
    suspended_at: datetime | None
    hide_collections: bool = False
    moved_to_id: int | None = None


class OwnRow(Struct, frozen=True, kw_only=True):
    """What an account keeps for itself."""

    note_source: str
    field_sources: tuple[FieldRow, ...]
    default_visibility: Visibility
    default_sensitive: bool
    default_language: str | None
    follow_requests: int
    default_quote_policy: QuotePolicy


_COLUMNS = """
       a.id, a.uri, a.local, a.kind, a.username, a.domain, a.display_name, a.summary, a.url, a.icon, a.image,
       a.fields, a.emojis, a.locked, a.discoverable, a.indexable, a.followers_count, a.following_count,
       a.statuses_count, a.last_status_at, a.created_at, a.suspended_at,
       a.hide_collections,
       (SELECT m.target_id FROM moves m WHERE m.actor_id = a.id) AS moved_to_id
"""


def _actor(row: Record) -> ProfileRow:
    values = dict(row)
    values["kind"] = ActorKind(row["kind"])
    values["fields"] = msgspec.convert(row["fields"], tuple[FieldRow, ...])
    values["emojis"] = msgspec.convert(row["emojis"], tuple[Emoji, ...])
    return ProfileRow(**values)


_BY_ID = f"SELECT {_COLUMNS} FROM actors a WHERE a.id = ANY($1::bigint[]) AND a.deleted_at IS NULL"  # noqa: S608


async def actors_by_id(conn: Connection, ids: Collection[int]) -> dict[int, ProfileRow]:
    """Return the actors of these ids that are still there."""
    if not ids:
        return {}
    rows = await conn.fetch(_BY_ID, list(ids))
    return {row["id"]: _actor(row) for row in rows}


_BY_HANDLE = f"""
SELECT {_COLUMNS} FROM actors a
 WHERE lower(a.username) = lower($1) AND a.domain = lower($2) AND a.deleted_at IS NULL
"""  # noqa: S608


async def actor_by_handle(conn: Connection, username: str, domain: str) -> ProfileRow | None:
    """Return the actor `username@domain`."""
    row = await conn.fetchrow(_BY_HANDLE, username, domain)
    return None if row is None else _actor(row)


async def own_settings(conn: Connection, account_id: int) -> OwnRow:
    """Return what only the account itself sees."""
    row = await conn.fetchrow(
        """
        SELECT c.note_source, c.field_sources, c.default_visibility, c.default_sensitive, c.default_language,
               c.default_quote_policy,
               (SELECT count(*) FROM follows f WHERE f.followee_id = c.actor_id AND f.state = 0) AS requests
          FROM accounts c WHERE c.actor_id = $1
        """,
        account_id,
    )
    if row is None:
        raise LookupError(account_id)
    return OwnRow(
        note_source=row["note_source"],
        field_sources=msgspec.convert(row["field_sources"], tuple[FieldRow, ...]),
        default_visibility=Visibility(row["default_visibility"]),
        default_sensitive=row["default_sensitive"],
        default_language=row["default_language"],
        follow_requests=row["requests"],
        default_quote_policy=QuotePolicy(row["default_quote_policy"]),
    )


_SEARCH = """
SELECT a.id
  FROM actors a
 WHERE a.deleted_at IS NULL AND a.suspended_at IS NULL AND a.kind <> 2
   AND (lower(a.username) LIKE $1 OR lower(a.display_name) LIKE $2)
   AND ($3 = '' OR a.domain LIKE $3)
   AND (NOT $5 OR EXISTS (SELECT FROM follows f
                           WHERE f.follower_id = $4 AND f.followee_id = a.id AND f.state = 1))
   AND NOT EXISTS (SELECT FROM blocks b WHERE b.actor_id = a.id AND b.target_id = $4)
 ORDER BY (lower(a.username) = $6) DESC, a.followers_count DESC, a.id
 LIMIT $7 OFFSET $8
"""


async def search_actors(
    conn: Connection,
    text: str,
    domain: str,
    *,
    viewer_id: int | None,
    following_only: bool,
    limit: int,
    offset: int,
) -> Sequence[int]:
    """Return actors whose name begins with the text, or whose display name contains it, best known first."""
    low = text.lower()
    safe = low.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    host = domain.lower().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    rows = await conn.fetch(
        _SEARCH,
        f"{safe}%",
        f"%{safe}%",
        f"{host}%" if host else "",
        viewer_id,
        following_only,
        low,
        limit,
        offset,
    )
    return [row["id"] for row in rows]
