"""Who follows whom, asked for (0) or accepted (1)."""

from collections.abc import Mapping, Sequence
from enum import IntEnum

from asyncpg import Record
from msgspec import Struct

from shared.database.pool import Connection
from shared.protocol.identifiers import uri_hash


class FollowState(IntEnum):
    """How far a follow has come."""

    REQUESTED = 0
    ACCEPTED = 1


class FollowRow(Struct, frozen=True, kw_only=True):
    """A follow; `uri` is the id of its Follow activity, `id` its place in lists."""

    id: int
    uri: str
    follower_id: int
    followee_id: int
    state: FollowState
    show_reblogs: bool = True


def follow_of(row: Record) -> FollowRow:
    """Return the follow in a row of `follows`."""
    return FollowRow(
        id=row["id"],
        uri=row["uri"],
        follower_id=row["follower_id"],
        followee_id=row["followee_id"],
        state=FollowState(row["state"]),
        show_reblogs=row["show_reblogs"],
    )


async def insert(conn: Connection, follows: Sequence[FollowRow]) -> set[tuple[int, int]]:
    """Store follows and return (follower, followee) of the new ones; one that exists keeps its state."""
    rows = await conn.fetch(
        """
        INSERT INTO follows (id, uri, uri_hash, follower_id, followee_id, state, show_reblogs)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bigint[], $5::bigint[],
                             $6::smallint[], $7::boolean[])
            ON CONFLICT DO NOTHING
        RETURNING follower_id, followee_id
        """,
        [f.id for f in follows],
        [f.uri for f in follows],
        [uri_hash(f.uri) for f in follows],
        [f.follower_id for f in follows],
        [f.followee_id for f in follows],
        [f.state for f in follows],
        [f.show_reblogs for f in follows],
    )
    return {(row["follower_id"], row["followee_id"]) for row in rows}


async def accept(conn: Connection, pairs: Sequence[tuple[int, int]]) -> list[FollowRow]:
    """Let these (follower, followee) requests in; return those that waited."""
    rows = await conn.fetch(
        """
        UPDATE follows f SET state = 1
          FROM unnest($1::bigint[], $2::bigint[]) AS n (follower_id, followee_id)
         WHERE f.follower_id = n.follower_id AND f.followee_id = n.followee_id AND f.state = 0
        RETURNING f.*
        """,
        [follower for follower, _ in pairs],
        [followee for _, followee in pairs],
    )
    return [follow_of(row) for row in rows]


async def remove(conn: Connection, pairs: Sequence[tuple[int, int]]) -> list[FollowRow]:
    """End these (follower, followee) follows; return what they were."""
    rows = await conn.fetch(
        """
        DELETE FROM follows f
         USING unnest($1::bigint[], $2::bigint[]) AS n (follower_id, followee_id)
         WHERE f.follower_id = n.follower_id AND f.followee_id = n.followee_id
        RETURNING f.*
        """,
        [follower for follower, _ in pairs],
        [followee for _, followee in pairs],
    )
    return [follow_of(row) for row in rows]


async def rename(conn: Connection, uris: Mapping[tuple[int, int], str]) -> None:
    """Note that these (follower, followee) were asked for again, under other ids."""
    await conn.execute(
        """
        UPDATE follows f SET uri = n.uri, uri_hash = n.uri_hash
          FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bytea[])
               AS n (follower_id, followee_id, uri, uri_hash)
         WHERE f.follower_id = n.follower_id AND f.followee_id = n.followee_id
           AND NOT EXISTS (SELECT FROM follows t WHERE t.uri_hash = n.uri_hash)
        """,
        [follower for follower, _ in uris],
        [followee for _, followee in uris],
        list(uris.values()),
        [uri_hash(uri) for uri in uris.values()],
    )


async def by_uris(conn: Connection, uris: Sequence[str]) -> dict[str, FollowRow]:
    """Return the follows that these Follow activities made."""
    rows = await conn.fetch(
        "SELECT * FROM follows WHERE uri_hash = ANY($1::bytea[])", [uri_hash(uri) for uri in uris]
    )
    return {row["uri"]: follow_of(row) for row in rows}


async def between(conn: Connection, pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], FollowRow]:
    """Return the follows between these (follower, followee)."""
    rows = await conn.fetch(
        """
        SELECT f.* FROM unnest($1::bigint[], $2::bigint[]) AS n (follower_id, followee_id)
          JOIN follows f USING (follower_id, followee_id)
        """,
        [follower for follower, _ in pairs],
        [followee for _, followee in pairs],
    )
    return {(row["follower_id"], row["followee_id"]): follow_of(row) for row in rows}
