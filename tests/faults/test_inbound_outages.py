"""The database goes away, and services are restarted in order, while signed activities come in."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from services.load_generator.keys import load_ring
from services.load_generator.population import Population
from services.load_generator.sender import Sender, Sent, open_loop, statuses
from services.load_generator.signing import SignedRequest
from services.load_generator.simulated_servers import SimulatedServers
from tests.contract.proxy import proxied
from tests.faults.test_kill_inbound import creates
from tests.infrastructure import eventually
from tests.sites import Site, free_port, running

ACTIVITIES = 500
SECONDS = 8.0
INBOUND = ("inbox_receiver", "signature_verifier", "timeline_builder")
GRACE = 30.0
"""Seconds that a service has to end after SIGTERM."""

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]


@contextlib.asynccontextmanager
async def load(site: Site, folder: Path) -> AsyncIterator[list[SignedRequest]]:
    """Run the inbound services of a site and a simulated fediverse; yields what that will send."""
    population = Population(hosts=5, actors_per_host=2, port=free_port(), keys=load_ring(folder / "keys", 2))
    servers = SimulatedServers(population)
    await servers.start()
    try:
        async with running(site, INBOUND):
            ada = await site.account("ada")
            mention = f"{site.origin}/users/{ada.id}"
            yield creates(population, f"{site.origin}/inbox", mention)[:ACTIVITIES]
    finally:
        await servers.stop()


async def send(site: Site, requests: list[SignedRequest]) -> list[Sent]:
    """Send everything at a constant rate, each once."""
    sender = Sender(
        "127.0.0.1", int(site.processes["inbox_receiver"].listen.rsplit(":", 1)[1]), connections=16
    )
    step = SECONDS / len(requests)
    try:
        return await open_loop(sender, requests, [number * step for number in range(len(requests))])
    finally:
        await sender.close()


async def all_applied_once(database_url: str) -> None:
    """Return when each activity has had its effect; fail where one has had two, or none within a minute."""
    connection = await asyncpg.connect(database_url)
    try:

        async def applied() -> bool:
            return bool(await connection.fetchval("SELECT count(*) FROM statuses") >= ACTIVITIES)

        await eventually(applied, "every activity", seconds=60)
        for table in ("statuses", "notifications", "claims"):
            found = await connection.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 - our own names
            assert (table, found) == (table, ACTIVITIES)
        assert await connection.fetchval("SELECT count(*) FROM refusals") == 0
    finally:
        await connection.close()


async def test_a_database_out_of_reach_costs_no_activity(
    own_database_url: str, own_broker_url: str, tmp_path: Path
) -> None:
    """With the database away for seconds under load every request is still taken, and applied once later."""
    async with proxied(own_database_url) as (proxy, url):
        site = Site(name="outage", database_url=url, broker_url=own_broker_url, folder=tmp_path)
        async with load(site, tmp_path) as requests:

            async def outage() -> None:
                await asyncio.sleep(SECONDS / 4)  # in the midst of the load
                proxy.refuses = True
                proxy.cut()
                await asyncio.sleep(SECONDS / 2)  # as long as the outage lasts
                proxy.refuses = False

            sent, _ = await asyncio.gather(send(site, requests), outage())
            assert statuses(sent) == {202: ACTIVITIES}
            await all_applied_once(own_database_url)


async def test_a_rolling_restart_fails_no_request(
    own_database_url: str, own_broker_url: str, tmp_path: Path
) -> None:
    """Verifier and builder, ended by SIGTERM and started again under load, end in order and lose nothing."""
    site = Site(name="rolling", database_url=own_database_url, broker_url=own_broker_url, folder=tmp_path)
    async with load(site, tmp_path) as requests:

        async def restart() -> list[int]:
            codes = []
            for service in INBOUND[1:]:
                await asyncio.sleep(SECONDS / 4)  # spread over the load
                process = site.processes[service].running
                process.send_signal(signal.SIGTERM)
                codes.append(await asyncio.wait_for(process.wait(), GRACE))
                await site.start_service(service)
            return codes

        sent, codes = await asyncio.gather(send(site, requests), restart())
        assert codes == [0, 0]
        assert statuses(sent) == {202: ACTIVITIES}
        await all_applied_once(own_database_url)
