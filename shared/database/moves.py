"""Accounts that moved to another server."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from shared.database.follows import FollowRow, follow_of
from shared.database.pool import Connection
from shared.protocol.identifiers import uri_hash


class MoveEnd(Struct, frozen=True, kw_only=True):
    """What an actor says of its other accounts, and when it last moved as far as we followed it."""

    also_known_as: tuple[str, ...]
    moved_to: str | None
    moved_at: datetime | None


async def ends(conn: Connection, actor_ids: Sequence[int]) -> dict[int, MoveEnd]:
    """Return what these actors say."""
    rows = await conn.fetch(
        """
        SELECT a.id, a.also_known_as, a.moved_to, m.moved_at
          FROM actors a LEFT JOIN moves m ON m.actor_id = a.id
         WHERE a.id = ANY($1::bigint[])
        """,
        list(actor_ids),
    )
    return {
        row["id"]: MoveEnd(
            also_known_as=tuple(row["also_known_as"]), moved_to=row["moved_to"], moved_at=row["moved_at"]
        )
        for row in rows
    }


async def put(conn: Connection, actor_id: int, target_id: int) -> None:
    """Note that an actor has moved."""
    await conn.execute(
        """
        INSERT INTO moves (actor_id, target_id) VALUES ($1, $2)
            ON CONFLICT (actor_id) DO UPDATE SET target_id = excluded.target_id, moved_at = now()
        """,
        actor_id,
        target_id,
    )


async def concerns_us(conn: Connection, uri: str) -> bool:
    """Tell whether anybody follows this actor, which for a remote one means somebody here."""
    followed: bool = await conn.fetchval(
        """
        SELECT EXISTS (SELECT FROM actors a JOIN follows f ON f.followee_id = a.id
                        WHERE a.uri_hash = $1 AND f.state = 1)
        """,
        uri_hash(uri),
    )
    return followed


async def followers_here(conn: Connection, actor_id: int) -> list[tuple[str, FollowRow]]:
    """Return the follows of an actor by people here, each with its follower's URI."""
    rows = await conn.fetch(
        """
        SELECT f.*, a.uri AS follower_uri
          FROM follows f JOIN actors a ON a.id = f.follower_id
         WHERE f.followee_id = $1 AND f.state = 1 AND a.local
         ORDER BY f.follower_id
        """,
        actor_id,
    )
    return [(row["follower_uri"], follow_of(row)) for row in rows]
