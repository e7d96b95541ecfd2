"""Each service is killed while two thousand signed activities come in; none is lost or doubled."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from services.load_generator import payloads
from services.load_generator.keys import load_ring
from services.load_generator.population import Population
from services.load_generator.sender import Sender, Sent, open_loop
from services.load_generator.signing import SignedRequest, sign_all
from services.load_generator.simulated_servers import SimulatedServers
from tests.infrastructure import eventually
from tests.sites import Site, free_port, running

ACTIVITIES = 2000
SECONDS = 10.0
VICTIMS = ("inbox_receiver", "signature_verifier", "timeline_builder", "fanout_deliverer", "platform_gateway")

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]


def creates(population: Population, inbox: str, mention: str) -> list[SignedRequest]:
    """Sign Creates from all actors in turn; each names a local actor, so that each has an effect."""
    made = []
    for number in range(ACTIVITIES):
        actor = population.actor(number)
        note = f"{actor.uri}/statuses/{number}"
        made.append((actor, f"{note}/activity", payloads.create(actor, str(number), mention=mention)))
    return sign_all(population.keys, inbox, made)


async def kill_each(site: Site, pause: float) -> int:
    """Kill and restart every service once, and return how many died of it."""
    died = 0
    for victim in VICTIMS:
        await asyncio.sleep(pause)  # spreads the kills over the load; nothing is waited for
        await site.kill(victim)
        died += site.processes[victim].running.returncode == -9
        await site.start_service(victim)
    return died


async def deliver(site: Site, requests: list[SignedRequest]) -> list[Sent]:
    """Send everything at a constant rate, and again what was not answered with 202, as servers do."""
    port = int(site.processes["inbox_receiver"].listen.rsplit(":", 1)[1])
    sender = Sender("127.0.0.1", port, connections=32)
    step = SECONDS / len(requests)
    sent = await open_loop(sender, requests, [number * step for number in range(len(requests))])
    by_id = {request.activity_id: request for request in requests}
    accepted = [one for one in sent if one.status == 202]
    for _ in range(20):
        failed = [by_id[one.activity_id] for one in sent if one.status != 202]
        if not failed:
            break
        await asyncio.sleep(0.5)  # a sender's pause before it tries again
        sent = await open_loop(sender, failed, [0.0] * len(failed))
        accepted += [one for one in sent if one.status == 202]
    await sender.close()
    return accepted


async def test_every_acknowledged_activity_is_applied_exactly_once(
    own_database_url: str, own_broker_url: str, tmp_path: Path
) -> None:
    """Two thousand activities, every service killed once: each 202'd id has one post and one notification."""
    keys = load_ring(tmp_path / "keys", 4)
    population = Population(hosts=10, actors_per_host=2, port=free_port(), keys=keys)
    servers = SimulatedServers(population)
    await servers.start()
    site = Site(name="loom", database_url=own_database_url, broker_url=own_broker_url, folder=tmp_path)
    try:
        async with running(site):
            ada = await site.account("ada")
            requests = creates(population, f"{site.origin}/inbox", f"{site.origin}/users/{ada.id}")
            accepted, died = await asyncio.gather(
                deliver(site, requests), kill_each(site, SECONDS / (len(VICTIMS) + 1))
            )
            assert died == len(VICTIMS)
            assert {one.activity_id for one in accepted} == {request.activity_id for request in requests}
            connection = await asyncpg.connect(own_database_url)
            try:
                await eventually(
                    lambda: _count_is(connection, "statuses", ACTIVITIES), f"{ACTIVITIES} posts", seconds=60
                )
                assert await connection.fetchval("SELECT count(*) FROM notifications") == ACTIVITIES
                assert await connection.fetchval("SELECT count(DISTINCT uri) FROM statuses") == ACTIVITIES
                assert await connection.fetchval("SELECT count(*) FROM refusals") == 0
            finally:
                await connection.close()
    finally:
        await servers.stop()


async def _count_is(connection: "asyncpg.Connection[asyncpg.Record]", table: str, count: int) -> bool:
    found = await connection.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 - a name of our own
    assert found <= count, f"{found} rows in {table}, {count} expected"
    return bool(found == count)
