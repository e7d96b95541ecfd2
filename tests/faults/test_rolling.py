"""Services are replaced one after the other while signed activities come in and people read."""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from shared.runtime.context import GRACE
from tests.faults.figures import Figures
from tests.faults.traffic import Traffic, traffic_to
from tests.infrastructure import eventually
from tests.sites import PIPELINE, Site

SERVICES = (*PIPELINE, "operator_console")
RATE = 40.0
FULL = 150.0
"""Activities a second in the long form: with the services' starts, two cores are busy with it."""

OLD_SHARES = 0.3
"""Seconds for which an old one and its successor share the work."""

pytestmark = pytest.mark.faults


@contextlib.asynccontextmanager
async def reading(site: Site, doors: list[str]) -> AsyncIterator[list[int]]:
    """Have somebody read all the time, at the first of these doors; yields the answers."""
    answers: list[int] = []

    async def read(session: aiohttp.ClientSession) -> None:
        while True:
            async with session.get(f"{site.processes[doors[0]].listen}/nodeinfo/2.1") as answer:
                await answer.read()
                answers.append(answer.status)

    async with aiohttp.ClientSession() as session:
        reader = asyncio.create_task(read(session))
        try:
            yield answers
            assert not reader.done(), reader.exception()
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)


async def replace(traffic: Traffic, old: str, new: str, gateways: list[str]) -> float:
    """Start a successor, send it the requests, end the old one under load; returns how long its end took."""
    site = traffic.site
    await site.start_service(new)
    for doors in (traffic.doors, gateways):
        if old in doors:
            doors.append(new)
    await asyncio.sleep(OLD_SHARES)  # both take their part
    for doors in (traffic.doors, gateways):
        if old in doors:
            doors.remove(old)
    # What is under way at this moment has to be finished; nothing new comes, as behind a load balancer.
    process = site.processes[old].running
    process.send_signal(signal.SIGTERM)
    begun = time.monotonic()
    assert await asyncio.wait_for(process.wait(), GRACE) == 0, site.log(old)
    return time.monotonic() - begun


@pytest.mark.timeout(600)
@pytest.mark.parametrize("rounds", [1, pytest.param(5, marks=pytest.mark.slow)])
async def test_a_rolling_restart_fails_no_request(
    own_database_url: str, own_broker_url: str, tmp_path: Path, figures: Figures, rounds: int
) -> None:
    """Every service is replaced under load: none fails a request, loses an activity or overstays its time."""
    site = Site(name="loom", database_url=own_database_url, broker_url=own_broker_url, folder=tmp_path)
    async with traffic_to(site, figures, services=SERVICES) as traffic:
        gateways, ends = ["platform_gateway"], []
        async with reading(site, gateways) as read, traffic.flowing(RATE if rounds == 1 else FULL):
            await eventually(lambda: len(read) > 0, "somebody to read")
            for number in range(rounds):
                for service in SERVICES:
                    old = f"{service}.{number}" if number else service
                    ends.append(await replace(traffic, old, f"{service}.{number + 1}", gateways))
        assert (set(traffic.statuses()), set(read)) == ({202}, {200})
        await traffic.audit()
    figures.note(restarts=len(ends), pages_read=len(read), longest_end=round(max(ends), 2))
