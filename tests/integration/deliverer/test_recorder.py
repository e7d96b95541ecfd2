"""Outcomes on their way to the database."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from services.fanout_deliverer import recorder
from services.fanout_deliverer.lease import Lease, Pulse, ShardLeft
from services.fanout_deliverer.recorder import COMMIT_WITHIN, MAX_GROUP, Recorder, Report
from shared.database import deliveries, delivery_plans
from shared.database.deliveries import Progress, State
from shared.database.delivery_plans import Planned
from shared.database.pool import Connection
from tests.infrastructure import eventually
from tests.integration.world import World

ACTIVITY = "https://weave.example/posts/1/activity"


async def test_outcomes_are_committed_in_full_groups(world: World) -> None:
    """What comes together is committed together, as much of it as makes a group."""
    inboxes = await _plan(world, MAX_GROUP + 50)
    await _record(world, inboxes)
    async with world.pool.acquire() as conn:
        rows = await conn.fetch(
            "SELECT state, count(*) AS amount FROM deliveries GROUP BY state, xmin ORDER BY amount"
        )
    assert [(row["state"], row["amount"]) for row in rows] == [
        (State.DELIVERED, 50),
        (State.DELIVERED, MAX_GROUP),
    ]


async def test_full_groups_wait_for_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full group is committed at once, and so is the next one, however long others are waited for."""
    monkeypatch.setattr("services.fanout_deliverer.recorder.GATHER", 3600.0)
    inboxes = [f"https://fan{number}.example/inbox" for number in range(2 * MAX_GROUP)]
    await _record(world, inboxes)


async def test_what_another_has_taken_is_not_recorded(world: World) -> None:
    """Of a shard that was lost nothing is committed any more; what else is in the group is."""
    lost, kept = _lease(), _lease()
    theirs, ours = await _plan(world, 2)
    lost.lose()
    async with _recorder(world) as one:
        results = await asyncio.gather(
            _recorded(one, _delivered(theirs), lost),
            _recorded(one, _delivered(ours), kept),
            return_exceptions=True,
        )
    assert [type(result) for result in results] == [ShardLeft, type(None)]
    assert await _states(world) == {theirs: State.QUEUED, ours: State.DELIVERED}


async def test_nothing_is_recorded_while_others_may_take_the_shards(world: World) -> None:
    """Where the leases are not renewed an outcome waits, and is committed once it is known to count."""
    pulse = Pulse()
    lease = Lease(0, pulse)
    [inbox] = await _plan(world, 1)
    async with _recorder(world) as one:
        pulse.beats_until(time.monotonic() + COMMIT_WITHIN / 2)
        recording = asyncio.create_task(_recorded(one, _delivered(inbox), lease))
        await _until_tried(world)
        assert await _states(world) == {inbox: State.QUEUED}
        pulse.beats_until(float("inf"))
        await recording
    assert await _states(world) == {inbox: State.DELIVERED}


async def test_a_shard_lost_while_an_outcome_is_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What turns out to be another's in the middle of a transaction is rolled back with it."""
    lease = _lease()
    [inbox] = await _plan(world, 1)
    write = deliveries.record

    async def lose_meanwhile(conn: Connection, progress: Sequence[Progress]) -> None:
        await write(conn, progress)
        lease.lose()

    monkeypatch.setattr(deliveries, "record", lose_meanwhile)
    async with _recorder(world) as one:
        with pytest.raises(ShardLeft):
            await _recorded(one, _delivered(inbox), lease)
    assert await _states(world) == {inbox: State.QUEUED}


async def test_who_stands_still_in_a_transaction_is_cut_off(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not committed in time is not committed later by surprise, but written anew."""
    monkeypatch.setattr(recorder, "COMMIT_WITHIN", 0.1)
    [inbox] = await _plan(world, 1)
    write, before = deliveries.record, list[int]()

    async def stand_still_once(conn: Connection, progress: Sequence[Progress]) -> None:
        await write(conn, progress)
        before.append(await conn.fetchval("SELECT pg_backend_pid()"))
        if len(before) == 1:
            await eventually(lambda: _is_gone(world, before[0]), "the session to be cut off")

    monkeypatch.setattr(deliveries, "record", stand_still_once)
    async with _recorder(world) as one:
        await _recorded(one, _delivered(inbox), _lease())
    assert len(before) == 2
    assert await _states(world) == {inbox: State.DELIVERED}


async def _is_gone(world: World, session: int) -> bool:
    async with world.pool.acquire() as conn:
        left: int = await conn.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", session)
    return not left


async def _until_tried(world: World) -> None:
    """Wait until a transaction that wrote something was rolled back."""

    async def rolled_back() -> bool:
        async with world.pool.acquire() as conn:
            await conn.execute("SELECT pg_stat_force_next_flush()")
            count: int = await conn.fetchval(
                "SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()"
            )
        return count > 0

    await eventually(rolled_back, "an attempt to be rolled back")


async def _states(world: World) -> dict[str, State]:
    async with world.pool.acquire() as conn:
        rows = await conn.fetch("SELECT inbox, state FROM deliveries")
    return {row["inbox"]: State(row["state"]) for row in rows}


def _lease() -> Lease:
    pulse = Pulse()
    pulse.beats_until(float("inf"))
    return Lease(0, pulse)


@asynccontextmanager
async def _recorder(world: World) -> AsyncIterator[Recorder]:
    one = Recorder(world.pool)
    running = asyncio.create_task(one.run())
    try:
        async with asyncio.timeout(20):
            yield one
    finally:
        running.cancel()


async def _recorded(one: Recorder, report: Report, lease: Lease) -> None:
    """Return once a report is committed; raises what keeps it from that."""
    committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def told(error: Exception | None) -> None:
        if error is None:
            committed.set_result(None)
        else:
            committed.set_exception(error)

    one.record(report, lease, told)
    await committed


async def _plan(world: World, count: int) -> list[str]:
    inboxes = [f"https://fan{number}.example/inbox" for number in range(count)]
    async with world.pool.acquire() as conn:
        await delivery_plans.insert_planned(conn, [_planned(inbox) for inbox in inboxes])
    return inboxes


async def _record(world: World, inboxes: Sequence[str]) -> None:
    lease = _lease()
    async with _recorder(world) as one:
        await asyncio.gather(*(_recorded(one, _delivered(inbox), lease) for inbox in inboxes))


def _planned(inbox: str) -> Planned:
    return Planned(
        activity_uri=ACTIVITY,
        inbox=inbox,
        host=inbox.split("/")[2],
        shared=True,
        created_at=datetime.now(UTC),
    )


def _delivered(inbox: str) -> Report:
    progress = Progress(activity_uri=ACTIVITY, inbox=inbox, state=State.DELIVERED, status=202)
    return Report(host=inbox.split("/")[2], progress=progress)
