"""Outcomes on their way to the database."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from services.fanout_deliverer.recorder import MAX_GROUP, Recorder, Report
from shared.database import delivery_plans
from shared.database.deliveries import Progress, State
from shared.database.delivery_plans import Planned
from tests.integration.world import World

ACTIVITY = "https://weave.example/posts/1/activity"


async def test_outcomes_are_committed_in_full_groups(world: World) -> None:
    """What comes together is committed together, as much of it as makes a group."""
    inboxes = [f"https://fan{number}.example/inbox" for number in range(MAX_GROUP + 50)]
    async with world.pool.acquire() as conn:
        await delivery_plans.insert_planned(conn, [_planned(inbox) for inbox in inboxes])
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


async def _record(world: World, inboxes: Sequence[str]) -> None:
    recorder = Recorder(world.pool)
    running = asyncio.create_task(recorder.run())
    try:
        async with asyncio.timeout(20):
            await asyncio.gather(*(recorder.record(_delivered(inbox)) for inbox in inboxes))
    finally:
        running.cancel()


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
