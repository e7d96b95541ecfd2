"""A batch under way: what it holds, and when it lets go of that."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime

import pytest

from services.fanout_deliverer.batch import Batch
from services.fanout_deliverer.facts import Job
from services.fanout_deliverer.lanes import Lanes
from services.fanout_deliverer.recorder import Report
from services.fanout_deliverer.room import Room
from shared.database.deliveries import Progress, State
from shared.protocol.messages import Delivery, Target


def _job(lanes: Lanes, number: int) -> Job:
    target = Target(inbox=f"https://birch{number}.example/inbox")
    delivery = Delivery(
        activity_id="https://weave.example/1",
        activity_type="Create",
        actor_id=1,
        body=b"{}",
        targets=(target,),
        created_at=datetime.now(UTC),
        trace="",
    )
    host, key = f"birch{number}.example", (b"1", target.inbox)
    return Job(delivery, target, host, key, lanes.enter(host, 1, key))


def _report(job: Job) -> Report:
    progress = Progress(activity_uri=job.delivery.activity_id, inbox=job.target.inbox, state=State.DELIVERED)
    return Report(host=job.host, progress=progress)


async def _nothing() -> None:
    """End at once; what became of it is told by the test."""


def _nothings(count: int) -> list[Coroutine[None, None, None]]:
    return [_nothing() for _ in range(count)]


async def test_what_is_recorded_makes_room_at_once() -> None:
    """Each delivery that is recorded gives back its room and its lane, before the others are done."""
    lanes, room = Lanes(), Room(2)
    async with room.take(2) as share:
        jobs = [_job(lanes, number) for number in range(2)]
        batch = Batch(jobs, share)
        running = asyncio.create_task(batch.run(_nothings(2)))
        batch.recorded(jobs[0], _report(jobs[0]), None)
        async with asyncio.timeout(5), room.take(1):
            assert len(lanes) == 1
        assert not running.done()
        batch.recorded(jobs[1], _report(jobs[1]), None)
        await running
    assert len(lanes) == 0


async def test_what_failed_is_raised_when_all_are_done() -> None:
    """One that fails keeps its place in the lane, and its error waits for the others."""
    lanes = Lanes()
    async with Room(2).take(2) as share:
        jobs = [_job(lanes, number) for number in range(2)]
        batch = Batch(jobs, share)
        running = asyncio.create_task(batch.run(_nothings(2)))
        batch.failed(ValueError("first"))
        await asyncio.sleep(0)
        assert not running.done()
        batch.recorded(jobs[1], _report(jobs[1]), None)
        with pytest.raises(ValueError, match="first"):
            await running
    assert len(lanes) == 1


async def test_a_record_that_comes_too_late_gives_nothing_back_twice() -> None:
    """Who was cancelled has given all back: an outcome that is recorded after that makes no room."""
    lanes, room = Lanes(), Room(2)
    jobs = [_job(lanes, number) for number in range(2)]
    async with room.take(2) as share:
        batch = Batch(jobs, share)
        running = asyncio.create_task(batch.run(_nothings(2)))
        await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running])
    for job in jobs:
        batch.recorded(job, _report(job), None)
    async with asyncio.timeout(5), room.take(2):
        third = asyncio.create_task(_take(room))
        for _ in range(3):
            await asyncio.sleep(0)
        assert not third.done()
        third.cancel()


async def test_a_cancelled_batch_ends_what_is_under_way() -> None:
    """Nothing of a batch goes on after whoever waited for it was cancelled."""
    ended = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with Room(1).take(1) as share:
        running = asyncio.create_task(Batch([_job(Lanes(), 0)], share).run([hang()]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert ended.is_set()


async def _take(room: Room) -> None:
    async with room.take(1):
        pass
