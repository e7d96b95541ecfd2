"""What a deliverer knows of whoever held its shards before."""

import asyncio
from datetime import timedelta

import pytest

from services.fanout_deliverer import shards
from services.fanout_deliverer.lease import Lease
from shared.database import shard_leases
from shared.database.pool import create_pool
from shared.queue.topology import SHARDS
from tests.infrastructure import eventually

SILENT, HELD = 1, range(8)
OTHER, TAKEN = 2, 5


class Idle:
    """A shard at work, with nothing to do."""

    def start(self) -> None:
        """Begin."""

    async def stop(self) -> None:
        """End."""

    async def check(self) -> str:
        """Return that nothing is wrong."""
        return ""


async def test_shards_of_a_silent_holder_are_known_as_such(
    own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was free is worked at once; what somebody held who fell silent may have requests on their way."""
    monkeypatch.setattr(shards, "TIME_TO_LIVE", timedelta(seconds=1))
    monkeypatch.setattr(shards, "BEAT", 0.1)
    taken: dict[int, Lease] = {}

    def work(lease: Lease) -> Idle:
        taken[lease.shard] = lease
        return Idle()

    async with await create_pool(own_database_url, application_name="test") as pool:
        async with pool.acquire() as conn:
            await shard_leases.beat(conn, SILENT, for_=timedelta(minutes=-1), leaving=False)
            await shard_leases.take(conn, SILENT, HELD)
        mine = shards.Shards(pool, work)
        running = asyncio.create_task(mine.run())
        await eventually(lambda: len(mine.held) == SHARDS, "all shards to be held")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await mine.close()

    async def is_quiet(shard: int) -> bool:
        waiting = asyncio.create_task(taken[shard].quiet())
        await asyncio.sleep(0)
        done = waiting.done()
        waiting.cancel()
        return done

    assert {shard for shard in range(SHARDS) if not await is_quiet(shard)} == set(HELD)


async def test_a_shard_that_was_anothers_meanwhile_is_lost(
    own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it is ours again when we look, another has worked it: what we have in hand of it is void."""
    monkeypatch.setattr(shards, "BEAT", 0.1)
    taken = dict[int, list[Lease]]()

    def work(lease: Lease) -> Idle:
        taken.setdefault(lease.shard, []).append(lease)
        return Idle()

    async with await create_pool(own_database_url, application_name="test") as pool:
        mine = shards.Shards(pool, work)
        running = asyncio.create_task(mine.run())
        await eventually(lambda: len(mine.held) == SHARDS, "all shards to be held")
        async with pool.acquire() as conn, conn.transaction():
            await shard_leases.one_at_a_time(conn)
            await shard_leases.take(conn, OTHER, {TAKEN})
            await shard_leases.give_up(conn, OTHER, {TAKEN})
        await eventually(lambda: len(taken[TAKEN]) == 2 and TAKEN in mine.held, "the shard to be taken anew")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await mine.close()
    assert [lease.lost for lease in taken[TAKEN]] == [True, False]
    assert {lease.lost for shard, [lease, *_] in taken.items() if shard != TAKEN} == {False}
