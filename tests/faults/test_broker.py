"""The broker is killed, or starved until it raises an alarm, while signed activities come in."""

import asyncio
import signal
import time
from pathlib import Path

import pytest

from shared.queue.topology import ACTIVITY_ACCEPTED
from tests.faults.figures import Figures
from tests.faults.private_broker import is_fetched, private_broker
from tests.faults.traffic import Traffic, traffic_to
from tests.infrastructure import eventually
from tests.sites import Site

RATE = 40.0
BEFORE = 1.0
"""Seconds of load before the kill. RabbitMQ 3.10 may lose a queue younger than its first snapshot."""

BACKLOG = 30
MEMORY = ("set_vm_memory_high_watermark", "0"), ("set_vm_memory_high_watermark", "absolute", "2GB")
DISK = ("set_disk_free_limit", "1000000GB"), ("set_disk_free_limit", "200MB")

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not is_fetched(), reason="RabbitMQ's programs are not fetched: `make test` does it"),
]


@pytest.mark.parametrize("kills", [1, pytest.param(5, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
async def test_a_killed_broker_loses_nothing_confirmed(
    own_database_url: str, tmp_path: Path, figures: Figures, kills: int
) -> None:
    """A kill -9 of the broker under load: 503 until it is back, then all goes on by itself, none lost."""
    async with private_broker(tmp_path / "broker") as server:
        site = Site(name="loom", database_url=own_database_url, broker_url=server.url, folder=tmp_path)
        async with traffic_to(site, figures) as traffic:
            pids = [process.pid for process in site.processes.values()]
            async with traffic.flowing(RATE):
                for _ in range(kills):
                    await asyncio.sleep(BEFORE)
                    server.kill()
                    killed = time.monotonic()
                    await traffic.until_answered(503, killed)
                    back = time.monotonic()
                    assert set(traffic.statuses(since=killed)) == {503}
                    await server.start()
                    await traffic.until_answered(202, back)
                    await traffic.applied()
                    figures.recovered("broker", time.monotonic() - back)
            await traffic.audit()
            assert [process.pid for process in site.processes.values()] == pids
            again = [await site.count(one, "heddle_redelivered_total") for one in site.processes]
            figures.note(kills=kills, redelivered=sum(again))
    assert kills == 1 or figures.late() == []


async def test_an_alarm_stops_intake_and_not_the_work(
    own_database_url: str, tmp_path: Path, figures: Figures
) -> None:
    """Under an alarm of memory or disk the receiver answers 503 and is not ready; consumers acknowledge."""
    async with private_broker(tmp_path / "broker") as server:
        site = Site(name="loom", database_url=own_database_url, broker_url=server.url, folder=tmp_path)
        async with traffic_to(site, figures) as traffic:
            await _backlog(traffic)
            for begin, end in (MEMORY, DISK):
                await server.control(*begin)
                await _takes_nothing(traffic)
                if begin is MEMORY[0]:
                    await _works_on(traffic)
                    await _takes_nothing(traffic)
                await server.control(*end)
                with figures.recovery("broker"):
                    await traffic.deliver(traffic.make())
            await site.start_service("timeline_builder")
            await traffic.audit()
            slowest = max(answer.came - answer.sent for answer in traffic.answers if answer.status == 503)
            figures.note(slowest_503=round(slowest, 2))


async def _backlog(traffic: Traffic) -> None:
    """Have the builder stand still with messages in its hands, and more behind them."""
    site, counter = traffic.site, "heddle_activities_accepted_total"
    before = await site.count("signature_verifier", counter)
    site.processes["timeline_builder"].running.send_signal(signal.SIGSTOP)
    await asyncio.gather(*(traffic.deliver(traffic.make()) for _ in range(BACKLOG)))

    async def passed_on() -> bool:
        return await site.count("signature_verifier", counter) == before + BACKLOG

    await eventually(passed_on, "the backlog of the builder")


async def _takes_nothing(traffic: Traffic) -> None:
    """Return once the alarm is on: what comes in is refused, and readiness says why."""
    begun = time.monotonic()

    async def refused() -> bool:
        return await traffic.send(traffic.make()) == 503

    await eventually(refused, "the alarm")
    assert set(traffic.statuses(since=begun)) <= {202, 503}
    assert "alarm" in (await traffic.site.trouble("inbox_receiver"))["broker"]


async def _works_on(traffic: Traffic) -> None:
    """See the builder work off its backlog during the alarm, and acknowledge it."""
    builder = traffic.site.processes["timeline_builder"].running
    builder.send_signal(signal.SIGCONT)
    applied = await traffic.pool.fetchval("SELECT count(*) FROM claims") + BACKLOG

    async def worked_off() -> bool:
        return bool(await traffic.pool.fetchval("SELECT count(*) FROM claims") >= applied)

    await eventually(worked_off, "the work during the alarm")
    # What was not acknowledged would be back on the queue now.
    builder.send_signal(signal.SIGTERM)
    assert await builder.wait() == 0
    assert await traffic.ready_in(ACTIVITY_ACCEPTED) == 0
