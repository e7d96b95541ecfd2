"""Which deliverer works which delivery shard: members that show they are alive, and what each holds.

Moments are the database's, so the clocks of the members do not matter.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from msgspec import Struct

from shared.database.pool import Connection


class Member(Struct, frozen=True):
    """A deliverer; not `alive` once nothing was heard of it for its time to live."""

    id: int
    alive: bool
    leaving: bool


async def one_at_a_time(conn: Connection) -> None:
    """Wait until no other deliverer is deciding; it lasts until the end of the transaction.

    Who falls silent in the middle of it is cut off after two seconds, or all would lose their shards.
    """
    await conn.execute("SET LOCAL idle_in_transaction_session_timeout = '2s'")
    await conn.execute("LOCK TABLE shard_leases IN SHARE ROW EXCLUSIVE MODE")


async def beat(conn: Connection, member: int, *, for_: timedelta, leaving: bool) -> None:
    """Record that a member is alive, for so long."""
    await conn.execute(
        """
        INSERT INTO deliverers (id, leaving, seen_until) VALUES ($1, $2, clock_timestamp() + $3)
            ON CONFLICT (id) DO UPDATE
           SET leaving = EXCLUDED.leaving, seen_until = EXCLUDED.seen_until
        """,
        member,
        leaving,
        for_,
    )


async def members(conn: Connection) -> list[Member]:
    """Return all members, and whether each is alive."""
    rows = await conn.fetch(
        "SELECT id, seen_until > clock_timestamp() AS alive, leaving FROM deliverers ORDER BY id"
    )
    return [Member(row["id"], row["alive"], row["leaving"]) for row in rows]


async def owners(conn: Connection) -> dict[int, int]:
    """Return who holds which shard; nobody holds the others."""
    rows = await conn.fetch("SELECT shard, owner FROM shard_leases")
    return {row["shard"]: row["owner"] for row in rows}


async def held_by(conn: Connection, member: int) -> dict[int, datetime]:
    """Return what a member holds, and since when: another moment means that it was another's meanwhile."""
    rows = await conn.fetch("SELECT shard, taken_at FROM shard_leases WHERE owner = $1", member)
    return {row["shard"]: row["taken_at"] for row in rows}


async def take(conn: Connection, member: int, shards: Collection[int]) -> None:
    """Make a member the holder of these shards, whoever held them."""
    await conn.execute(
        """
        INSERT INTO shard_leases (shard, owner) SELECT unnest($2::smallint[]), $1
            ON CONFLICT (shard) DO UPDATE SET owner = EXCLUDED.owner, taken_at = EXCLUDED.taken_at
        """,
        member,
        list(shards),
    )


async def give_up(conn: Connection, member: int, shards: Collection[int]) -> None:
    """Make those of these shards free that the member holds."""
    await conn.execute(
        "DELETE FROM shard_leases WHERE owner = $1 AND shard = ANY($2::smallint[])", member, list(shards)
    )


async def forget(conn: Connection, ids: Collection[int]) -> None:
    """Forget members that hold nothing any more."""
    await conn.execute(
        """
        DELETE FROM deliverers
         WHERE id = ANY($1::bigint[]) AND NOT EXISTS (SELECT FROM shard_leases WHERE owner = id)
        """,
        list(ids),
    )
