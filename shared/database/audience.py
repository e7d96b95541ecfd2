"""Who an activity of ours goes to: the inboxes behind followers, actors and authors."""

from collections.abc import Collection, Sequence
from typing import Final

from msgspec import Struct

from shared.database.delivery_plans import Destination
from shared.database.pool import Connection
from shared.protocol.identifiers import uri_hash

NEWEST: Final = (1 << 63) - 1
"""Where the first page of followers begins."""


class Sender(Struct, frozen=True, kw_only=True):
    """A local actor in whose name something is sent; `active` is false once suspended or deleted."""

    id: int
    uri: str
    followers_uri: str
    federated: bool
    active: bool


class FollowerPage(Struct, frozen=True, kw_only=True):
    """The inboxes behind a stretch of followers; `next_below` is None after the last one."""

    destinations: tuple[Destination, ...]
    next_below: int | None


class Addressee(Struct, frozen=True, kw_only=True):
    """Whom a URI in an activity stands for: the actor, or the author of the post."""

    uri: str
    inbox: str
    shared_inbox: str
    local: bool


async def senders(conn: Connection, uris: Collection[str]) -> dict[str, Sender]:
    """Return those of these actors that are local, by URI."""
    rows = await conn.fetch(
        """
        SELECT a.id, a.uri, a.followers_uri, c.federated,
               a.suspended_at IS NULL AND a.deleted_at IS NULL AS active
          FROM actors a JOIN accounts c ON c.actor_id = a.id
         WHERE a.uri_hash = ANY($1::bytea[]) AND a.local
        """,
        [uri_hash(uri) for uri in uris],
    )
    return {row["uri"]: Sender(**dict(row)) for row in rows}


async def follower_page(conn: Connection, actor_id: int, below: int, limit: int) -> FollowerPage:
    """Return the remote inboxes behind `limit` followers, newest first, each once, shared before own."""
    rows = await conn.fetch(
        """
        WITH page AS (
            SELECT id, follower_id FROM follows
             WHERE followee_id = $1 AND state = 1 AND id < $2
             ORDER BY id DESC LIMIT $3)
        SELECT min(page.id) AS oldest, count(*) AS followers,
               CASE WHEN a.local OR a.deleted_at IS NOT NULL OR a.suspended_at IS NOT NULL THEN ''
                    WHEN a.shared_inbox <> '' THEN a.shared_inbox ELSE a.inbox END AS inbox,
               bool_or(a.shared_inbox <> '') AS shared
          FROM page JOIN actors a ON a.id = page.follower_id
         GROUP BY 3
        """,
        actor_id,
        below,
        limit,
    )
    followers = sum(row["followers"] for row in rows)
    return FollowerPage(
        destinations=tuple(
            Destination(inbox=row["inbox"], shared=row["shared"]) for row in rows if row["inbox"]
        ),
        next_below=min(row["oldest"] for row in rows) if followers == limit else None,
    )


async def actors_named(conn: Connection, uris: Sequence[str]) -> list[Addressee]:
    """Return those of these actors that are known and not gone."""
    rows = await conn.fetch(
        """
        SELECT uri, inbox, shared_inbox, local FROM actors
         WHERE uri_hash = ANY($1::bytea[]) AND deleted_at IS NULL AND suspended_at IS NULL
        """,
        [uri_hash(uri) for uri in uris],
    )
    return [Addressee(**dict(row)) for row in rows]


async def authors_of(conn: Connection, uris: Sequence[str]) -> list[Addressee]:
    """Return the authors of those of these posts that are known; `uri` is the post's."""
    rows = await conn.fetch(
        """
        SELECT s.uri, a.inbox, a.shared_inbox, a.local
          FROM statuses s JOIN actors a ON a.id = s.actor_id
         WHERE s.uri_hash = ANY($1::bytea[]) AND a.deleted_at IS NULL AND a.suspended_at IS NULL
        """,
        [uri_hash(uri) for uri in uris],
    )
    return [Addressee(**dict(row)) for row in rows]
