"""Who likes which post."""

from collections.abc import Sequence

from asyncpg import Record
from msgspec import Struct

from shared.database.pool import Connection
from shared.protocol.identifiers import uri_hash


class FavouriteRow(Struct, frozen=True, kw_only=True):
    """A like; `uri` is the id of its activity, `id` its place in lists, `content` the emoji of a reaction."""

    id: int
    uri: str
    actor_id: int
    status_id: int
    content: str = ""


def _favourite_of(row: Record) -> FavouriteRow:
    return FavouriteRow(
        id=row["id"],
        uri=row["uri"],
        actor_id=row["actor_id"],
        status_id=row["status_id"],
        content=row["content"],
    )


# Who is about to delete a post skips one that is held, or is waited for.
_INSERT = """
WITH held AS MATERIALIZED (
    SELECT id FROM statuses WHERE id = ANY($5::bigint[]) ORDER BY id FOR KEY SHARE
)
INSERT INTO favourites (id, uri, uri_hash, actor_id, status_id, content)
SELECT n.id, n.uri, n.uri_hash, n.actor_id, n.status_id, n.content
  FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bigint[], $5::bigint[], $6::text[])
       AS n (id, uri, uri_hash, actor_id, status_id, content)
  JOIN held ON held.id = n.status_id
    ON CONFLICT DO NOTHING
RETURNING actor_id, status_id
"""


async def insert(conn: Connection, likes: Sequence[FavouriteRow]) -> set[tuple[int, int]]:
    """Store likes and return (actor, status) of the new ones; a post that is gone is not liked any more."""
    rows = await conn.fetch(
        _INSERT,
        [f.id for f in likes],
        [f.uri for f in likes],
        [uri_hash(f.uri) for f in likes],
        [f.actor_id for f in likes],
        [f.status_id for f in likes],
        [f.content for f in likes],
    )
    return {(row["actor_id"], row["status_id"]) for row in rows}


async def forget(conn: Connection, status_ids: Sequence[int]) -> None:
    """Delete the likes of posts that this transaction has deleted."""
    await conn.execute("DELETE FROM favourites WHERE status_id = ANY($1::bigint[])", list(status_ids))


async def remove(conn: Connection, pairs: Sequence[tuple[int, int]]) -> list[FavouriteRow]:
    """Take back the likes of these (actor, status); return what they were."""
    rows = await conn.fetch(
        """
        DELETE FROM favourites f
         USING unnest($1::bigint[], $2::bigint[]) AS n (actor_id, status_id)
         WHERE f.actor_id = n.actor_id AND f.status_id = n.status_id
        RETURNING f.*
        """,
        [actor for actor, _ in pairs],
        [status for _, status in pairs],
    )
    return [_favourite_of(row) for row in rows]


async def by_uris(conn: Connection, uris: Sequence[str]) -> dict[str, FavouriteRow]:
    """Return the likes that these Like activities made."""
    rows = await conn.fetch(
        "SELECT * FROM favourites WHERE uri_hash = ANY($1::bytea[])", [uri_hash(uri) for uri in uris]
    )
    return {row["uri"]: _favourite_of(row) for row in rows}


async def existing(conn: Connection, pairs: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return those of these (actor, status) where the actor likes the post."""
    rows = await conn.fetch(
        """
        SELECT f.actor_id, f.status_id FROM unnest($1::bigint[], $2::bigint[]) AS n (actor_id, status_id)
          JOIN favourites f USING (actor_id, status_id)
        """,
        [actor for actor, _ in pairs],
        [status for _, status in pairs],
    )
    return {(row["actor_id"], row["status_id"]) for row in rows}
