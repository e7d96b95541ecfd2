"""Which of their own posts actors show first on their profile."""

from collections.abc import Sequence

from shared.database.pool import Connection
from shared.protocol.identifiers import uri_hash


async def insert(conn: Connection, pins: Sequence[tuple[int, int, int]]) -> set[tuple[int, int]]:
    """Pin posts, given as (id, actor, post); return (actor, post) of the new ones."""
    rows = await conn.fetch(
        """
        INSERT INTO pins (id, actor_id, status_id)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
            ON CONFLICT DO NOTHING
        RETURNING actor_id, status_id
        """,
        [pin_id for pin_id, _, _ in pins],
        [actor for _, actor, _ in pins],
        [status for _, _, status in pins],
    )
    return {(row["actor_id"], row["status_id"]) for row in rows}


async def remove(conn: Connection, pairs: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Unpin these (actor, post); return those that were pinned."""
    rows = await conn.fetch(
        """
        DELETE FROM pins p
         USING unnest($1::bigint[], $2::bigint[]) AS n (actor_id, status_id)
         WHERE p.actor_id = n.actor_id AND p.status_id = n.status_id
        RETURNING p.actor_id, p.status_id
        """,
        [actor for actor, _ in pairs],
        [status for _, status in pairs],
    )
    return {(row["actor_id"], row["status_id"]) for row in rows}


async def number_of(conn: Connection, actor_id: int) -> int:
    """Return how many posts an actor has pinned, and let no other transaction change that meanwhile."""
    await conn.execute("SELECT FROM accounts WHERE actor_id = $1 FOR NO KEY UPDATE", actor_id)
    number: int = await conn.fetchval("SELECT count(*) FROM pins WHERE actor_id = $1", actor_id)
    return number


async def concern_us(conn: Connection, uri: str, target: str) -> bool:
    """Tell whether `target` is what this actor features, and somebody follows the actor."""
    yes: bool = await conn.fetchval(
        """
        SELECT EXISTS (SELECT FROM actors a JOIN follows f ON f.followee_id = a.id
                        WHERE a.uri_hash = $1 AND a.featured_uri = $2 AND f.state = 1)
        """,
        uri_hash(uri),
        target,
    )
    return yes
