"""The database is killed while signed activities come in."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.faults.figures import Figures
from tests.faults.private_postgres import is_fetched, private_postgres
from tests.faults.traffic import traffic_to
from tests.sites import Site

RATE = 40.0
BEFORE = 1.0
"""Seconds of load before the fault."""

SHORT = 3.0
LONG = 60.0

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


@pytest.mark.skipif(not is_fetched(), reason="Postgres' programs are not fetched: `make test` does it")
@pytest.mark.parametrize(
    "lasts", [SHORT, pytest.param(LONG, marks=[pytest.mark.slow, pytest.mark.timeout(400)])]
)
async def test_a_killed_database_costs_no_activity(
    own_broker_url: str, tmp_path: Path, figures: Figures, lasts: float
) -> None:
    """Postgres is killed and stays away: what was taken meanwhile is applied once after it is back."""
    async with private_postgres(tmp_path / "postgres") as server:
        site = Site(name="loom", database_url=server.url, broker_url=own_broker_url, folder=tmp_path)
        async with traffic_to(site, figures) as traffic:
            pids = [process.pid for process in site.processes.values()]
            async with traffic.flowing(RATE):
                await asyncio.sleep(BEFORE)
                server.kill()
                gone = time.monotonic()
                await asyncio.sleep(lasts)  # as long as the outage lasts
                assert not await server.answers()
                held = await site.count("timeline_builder", "heddle_batches_held_total")
                assert held > 0, "the builder has not noticed"
                assert await site.trouble("timeline_builder"), "without its database it called itself ready"
                await server.start()
                figures.note(outage=round(time.monotonic() - gone, 1), batches_held=held)
                with figures.recovery("database"):
                    await traffic.applied()
            # The receiver needs no database: to those outside nothing has happened.
            assert set(traffic.statuses()) == {202}
            await traffic.audit()
            assert [process.pid for process in site.processes.values()] == pids
            assert {process.running.returncode for process in site.processes.values()} == {None}
    assert lasts == SHORT or figures.late() == []
