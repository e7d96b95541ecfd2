"""Who blocks whom."""

from collections.abc import Sequence

from asyncpg import Record
from msgspec import Struct

from shared.database.pool import Connection
from shared.protocol.identifiers import uri_hash


class BlockRow(Struct, frozen=True, kw_only=True):
    """A block; `uri` is the id of its Block activity, `id` its place in lists."""

    id: int
    uri: str
    actor_id: int
    target_id: int


def _block_of(row: Record) -> BlockRow:
    return BlockRow(id=row["id"], uri=row["uri"], actor_id=row["actor_id"], target_id=row["target_id"])


async def insert(conn: Connection, blocks: Sequence[BlockRow]) -> set[tuple[int, int]]:
    """Store blocks and return (actor, target) of the new ones."""
    rows = await conn.fetch(
        """
        INSERT INTO blocks (id, uri, uri_hash, actor_id, target_id)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bigint[], $5::bigint[])
            ON CONFLICT DO NOTHING
        RETURNING actor_id, target_id
        """,
        [b.id for b in blocks],
        [b.uri for b in blocks],
        [uri_hash(b.uri) for b in blocks],
        [b.actor_id for b in blocks],
        [b.target_id for b in blocks],
    )
    return {(row["actor_id"], row["target_id"]) for row in rows}


async def remove(conn: Connection, pairs: Sequence[tuple[int, int]]) -> list[BlockRow]:
    """Lift the blocks of these (actor, target); return what they were."""
    rows = await conn.fetch(
        """
        DELETE FROM blocks b
         USING unnest($1::bigint[], $2::bigint[]) AS n (actor_id, target_id)
         WHERE b.actor_id = n.actor_id AND b.target_id = n.target_id
        RETURNING b.*
        """,
        [actor for actor, _ in pairs],
        [target for _, target in pairs],
    )
    return [_block_of(row) for row in rows]


async def by_uris(conn: Connection, uris: Sequence[str]) -> dict[str, BlockRow]:
    """Return the blocks that these Block activities made."""
    rows = await conn.fetch(
        "SELECT * FROM blocks WHERE uri_hash = ANY($1::bytea[])", [uri_hash(uri) for uri in uris]
    )
    return {row["uri"]: _block_of(row) for row in rows}


async def existing(conn: Connection, pairs: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return those of these (actor, target) where the actor blocks the target."""
    rows = await conn.fetch(
        """
        SELECT b.actor_id, b.target_id FROM unnest($1::bigint[], $2::bigint[]) AS n (actor_id, target_id)
          JOIN blocks b USING (actor_id, target_id)
        """,
        [actor for actor, _ in pairs],
        [target for _, target in pairs],
    )
    return {(row["actor_id"], row["target_id"]) for row in rows}


async def is_blocked(conn: Connection, actor_id: int, other_uri: str) -> bool:
    """Tell whether an actor and another one, named by its URI, block each other in either direction."""
    found: bool = await conn.fetchval(
        """
        SELECT EXISTS (
            SELECT FROM actors a JOIN blocks b
                ON (b.actor_id, b.target_id) IN (($1, a.id), (a.id, $1))
             WHERE a.uri_hash = $2)
        """,
        actor_id,
        uri_hash(other_uri),
    )
    return found
