"""Each service is killed while signed activities come in; none is lost or doubled."""

import asyncio
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.figures import Figures
from tests.faults.traffic import Traffic, traffic_to
from tests.sites import PIPELINE, Site

RATE = 60.0
FROZEN = 0.25
"""Seconds of load that pile up before a service that is stopped in the midst of its work, before the kill."""

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


async def kill_mid_batch(traffic: Traffic, service: str, figures: Figures) -> None:
    """Kill a service with work in its hands, start it again, and wait for what it left behind."""
    site = traffic.site
    process = site.processes[service].running
    process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(FROZEN)  # it holds more than one batch then
    await site.kill(service)
    assert process.returncode == -signal.SIGKILL
    begun = time.monotonic()
    await site.start_service(service)
    assert site.processes[service].pid != process.pid
    ready = time.monotonic() - begun
    await traffic.applied()
    figures.recovered("service", time.monotonic() - begun, f"{service}, ready after {ready:.2g} s")


async def killed(site: Site, figures: Figures, rounds: Sequence[Sequence[str]]) -> None:
    """Kill services under load, those of one round at once, and draw the account."""
    redelivered = 0.0
    async with traffic_to(site, figures, services=PIPELINE) as traffic:
        async with traffic.flowing(RATE):
            for victims in rounds:
                await asyncio.gather(*(kill_mid_batch(traffic, victim, figures) for victim in victims))
                for victim in victims:
                    redelivered += await site.count(victim, "heddle_redelivered_total")
        await traffic.audit()
    figures.note(kills=sum(map(len, rounds)), redelivered=redelivered)
    assert redelivered > 0, "no service had anything in its hands"


async def test_killed_services_lose_and_double_nothing(
    own_database_url: str, own_broker_url: str, tmp_path: Path, figures: Figures
) -> None:
    """All services are killed in the midst of a batch: every 202'd id has one effect, one post with it."""
    site = Site(name="loom", database_url=own_database_url, broker_url=own_broker_url, folder=tmp_path)
    await killed(site, figures, [PIPELINE[1:], PIPELINE[:1]])


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_twenty_kills_of_each_service(
    own_database_url: str, own_broker_url: str, tmp_path: Path, figures: Figures
) -> None:
    """Each service is killed twenty times in the midst of a batch, and what it left is done within 30 s."""
    site = Site(name="loom", database_url=own_database_url, broker_url=own_broker_url, folder=tmp_path)
    await killed(site, figures, [[service] for service in PIPELINE] * 20)
    assert figures.late() == []
