"""The network between services and broker lets through one direction only."""

import asyncio
import time
from pathlib import Path

import pytest

from shared.queue.connection import connect
from shared.queue.topology import ACTIVITY_ACCEPTED, INBOX_RECEIVED, INBOX_UNRESOLVED
from tests.contract.proxy import Proxy, proxied
from tests.faults.figures import Figures
from tests.faults.traffic import traffic_to
from tests.infrastructure import eventually
from tests.sites import Site

RATE = 30.0
BEFORE = 1.0
"""Seconds of load before each partition."""

SHORT = 6.0
LONG = 120.0

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    ("heartbeat", "lasts"),
    [(1, SHORT), pytest.param(10, LONG, marks=[pytest.mark.slow, pytest.mark.timeout(900)])],
)
async def test_a_one_way_partition_leaves_nothing_stuck(
    request: pytest.FixtureRequest, tmp_path: Path, figures: Figures, heartbeat: int, lasts: float
) -> None:
    """Deaf or dumb, services notice by the heartbeat, come back, and each id has its effect once."""
    database_url, broker_url = map(request.getfixturevalue, ("own_database_url", "own_broker_url"))
    async with proxied(broker_url) as (proxy, url):
        site = Site(
            name="loom",
            database_url=database_url,
            broker_url=f"{url}?heartbeat={heartbeat}",
            folder=tmp_path,
        )
        async with traffic_to(site, figures) as traffic:
            pids = [process.pid for process in site.processes.values()]
            async with traffic.flowing(RATE):
                for direction in ("from the broker", "to the broker"):
                    await asyncio.sleep(BEFORE)
                    lost = _losses(site)
                    _cut(proxy, direction)
                    await traffic.until_answered(503, time.monotonic())
                    await asyncio.sleep(lasts)  # as long as the partition lasts
                    await _lost_since(site, lost)
                    _mend(proxy)
                    with figures.recovery("broker"):
                        await traffic.until_answered(202, time.monotonic())
                        await traffic.applied()
            await traffic.audit()
            await _no_consumer_is_stuck(broker_url)
            assert [process.pid for process in site.processes.values()] == pids
            again = [await site.count(one, "heddle_redelivered_total") for one in site.processes]
            assert sum(again) > 0, "nothing was in anybody's hands"
            figures.note(connections_lost=_losses(site), redelivered=sum(again), partition=lasts)
    assert lasts == SHORT or figures.late() == []


def _cut(proxy: Proxy, direction: str) -> None:
    if direction == "from the broker":
        proxy.silence()
    else:
        proxy.deafen()


def _mend(proxy: Proxy) -> None:
    proxy.speak()
    proxy.hear()


def _losses(site: Site) -> int:
    """Return how often services have said that they lost their connection."""
    return sum(site.log(service, lines=100_000).count("broker_connection_lost") for service in site.processes)


async def _lost_since(site: Site, before: int) -> None:
    await eventually(lambda: _losses(site) > before, "a heartbeat to be missed", seconds=60)


async def _no_consumer_is_stuck(broker_url: str) -> None:
    """Return once each queue has the one consumer that works it, and nothing waits."""
    async with connect(broker_url, "test", []) as broker:
        await broker.wait_until_up()
        channel = await broker.consuming.channel()

        async def one_each() -> bool:
            found = [
                (await channel.get_queue(queue)).declaration_result
                for queue in (INBOX_RECEIVED, INBOX_UNRESOLVED, ACTIVITY_ACCEPTED)
            ]
            return [(one.consumer_count, one.message_count) for one in found] == [(1, 0)] * 3

        await eventually(one_each, "one consumer on each queue", seconds=60)
