"""Who holds which delivery shard."""

from datetime import timedelta

import asyncpg

from shared.database import shard_leases
from shared.database.shard_leases import Member
from tests.infrastructure import eventually

MINUTE = timedelta(minutes=1)


async def test_members_are_alive_as_long_as_they_beat(own_database_url: str) -> None:
    """A member counts as gone once its time is over, is forgotten once it holds nothing."""
    conn = await asyncpg.connect(own_database_url)
    try:
        await shard_leases.beat(conn, 1, for_=MINUTE, leaving=True)
        await shard_leases.beat(conn, 2, for_=-MINUTE, leaving=False)
        await shard_leases.take(conn, 2, [7])
        assert await shard_leases.members(conn) == [Member(1, True, True), Member(2, False, False)]
        await shard_leases.forget(conn, [1, 2])
        assert [one.id for one in await shard_leases.members(conn)] == [2]
        await shard_leases.take(conn, 1, [7, 8])
        await shard_leases.give_up(conn, 2, [7])
        await shard_leases.give_up(conn, 1, [8])
        assert await shard_leases.owners(conn) == {7: 1}
    finally:
        await conn.close()


async def test_a_frozen_member_does_not_hold_up_the_others(own_database_url: str) -> None:
    """Who stops in the middle of deciding is cut off by the database, so the others keep their shards."""
    frozen = await asyncpg.connect(own_database_url)
    other = await asyncpg.connect(own_database_url)
    pid = frozen.get_server_pid()
    try:
        await frozen.execute("BEGIN")
        await shard_leases.one_at_a_time(frozen)
        async with other.transaction():
            await shard_leases.one_at_a_time(other)
            await shard_leases.beat(other, 1, for_=MINUTE, leaving=False)

        async def cut_off() -> bool:
            sessions: int = await other.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", pid)
            return sessions == 0

        await eventually(cut_off, "the end of the frozen session")
    finally:
        frozen.terminate()
        await other.close()
