"""The simulated fediverse: any number of servers in one process, each as its character has it."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from services.load_generator import payloads
from services.load_generator.characters import NAMED, Cast, Character
from services.load_generator.inspection import Inspector
from services.load_generator.keys import load_ring
from services.load_generator.population import Population
from services.load_generator.sender import Sender, closed_loop, statuses
from services.load_generator.signing import unsigned_post
from services.load_generator.simulated_servers import SimulatedServers
from shared.signatures.keys import load_private
from shared.signatures.request import Scheme
from shared.signatures.sign import sign_request
from tests.integration.load_generator.fake_target import FakeTarget
from tests.ports import free_port

pytestmark = pytest.mark.timeout(120)

HOSTS = 2000
OTHERS = {"late": Character(latency=0.3), "unsteady": Character(errors=0.5, status=502)}


@asynccontextmanager
async def served(
    folder: Path, *names: str, target: FakeTarget | None = None
) -> AsyncIterator[SimulatedServers]:
    """Run one server for each name of a character; signatures are verified with the target's keys."""
    players = Cast(names, NAMED | OTHERS)
    population = Population(
        hosts=len(names),
        actors_per_host=3,
        port=free_port(),
        keys=load_ring(folder / "keys", 2),
        dead=players.hosts(live=False),
        dead_port=free_port(),
    )
    inspector = Inspector(population, target.origin) if target else None
    servers = SimulatedServers(population, cast=players, inspector=inspector)
    await servers.start()
    try:
        yield servers
    finally:
        await servers.stop()


async def answered(
    servers: SimulatedServers, method: str, path: str, headers: dict[str, str], body: bytes | None = None
) -> aiohttp.ClientResponse:
    """Return the answer of the first server."""
    host = servers.population.host(0)
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method,
            f"http://127.0.0.1:{host.rpartition(':')[2]}{path}",
            data=body,
            headers={"Host": host, **headers},
        ) as answer,
    ):
        await answer.read()
        return answer


async def posted(servers: SimulatedServers) -> aiohttp.ClientResponse:
    """Return the answer of the first server to an activity without a signature."""
    body = payloads.like(servers.population.actor(0), "1", "http://loom.localhost/objects/1")
    return await answered(servers, "POST", "/inbox", {}, body)


async def test_one_process_is_thousands_of_servers(folder: Path) -> None:
    """Two thousand servers live on one port: each takes in what was sent to it, and shows its own actors."""
    async with served(folder, *["good"] * HOSTS) as servers:
        population = servers.population
        actors = [population.actor(number) for number in range(HOSTS)]
        sender = Sender("127.0.0.1", population.port, connections=16)
        sent = await closed_loop(
            sender,
            [
                unsigned_post(f"http://{actor.host}/inbox", actor.uri, payloads.like(actor, "1", actor.uri))
                for actor in actors
            ],
            16,
        )
        await sender.close()
        assert statuses(sent) == {202: HOSTS}
        assert Counter(one.host for one in servers.arrived) == {actor.host: 1 for actor in actors}
        async with aiohttp.ClientSession() as session:
            for actor in actors[:: HOSTS // 50]:
                path = actor.uri.partition(actor.host)[2]
                async with session.get(
                    f"http://127.0.0.1:{population.port}{path}", headers={"Host": actor.host}
                ) as answer:
                    assert (await answer.json(content_type=None))["id"] == actor.uri


@pytest.mark.parametrize(("name", "status"), [("good", 202), ("failing", 500), ("gone", 410), ("late", 202)])
async def test_a_server_answers_as_its_character_has_it(folder: Path, name: str, status: int) -> None:
    """Good, failing and gone servers answer at once, a late one after its latency; each arrival is told."""
    async with served(folder, name) as servers:
        begun = time.monotonic()
        answer = await posted(servers)
        assert answer.status == status
        assert time.monotonic() - begun >= (OTHERS["late"].latency if name == "late" else 0.0)
        assert [one.status for one in servers.arrived] == [status]


@pytest.mark.parametrize(("name", "status"), [("flaky", 503), ("limited", 429), ("unsteady", 502)])
async def test_some_fail_now_and_then(folder: Path, name: str, status: int) -> None:
    """A share of the requests meets an error; who limits the rate says when to come again."""
    async with served(folder, name) as servers:
        answers = [await posted(servers) for _ in range(60)]
    counted = Counter(answer.status for answer in answers)
    assert set(counted) == {202, status}
    share = (NAMED | OTHERS)[name].errors
    assert 60 * share / 3 < counted[status] < 60 * share * 2
    pauses = {answer.headers.get("Retry-After") for answer in answers if answer.status == status}
    assert pauses == ({"2"} if name == "limited" else {None})


async def test_the_dead_refuse_connections(folder: Path) -> None:
    """Nobody listens where a dead server should be."""
    async with served(folder, "dead", "good") as servers:
        with pytest.raises(aiohttp.ClientConnectionError):
            await posted(servers)


async def test_a_dripping_server_never_gets_done(folder: Path) -> None:
    """Its answer begins and does not end, and nothing has arrived."""
    async with served(folder, "dripping") as servers:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(posted(servers), 2.5)
        assert servers.requests["inbox"] == 1
        assert servers.arrived == []


@pytest.mark.parametrize(("fault", "status"), [("", 202), ("forges", 401)])
async def test_a_strict_server_verifies(folder: Path, fault: str, status: int) -> None:
    """What the sender's published key has signed is taken in; a forgery is refused, and no signature."""
    async with (
        FakeTarget(folder=folder, fault=fault) as target,
        served(folder, "strict", target=target) as servers,
    ):
        body = payloads.like(target.ada, "1", servers.population.actor(0).uri)
        headers = target.signed(servers.population.host(0), body)
        assert (await answered(servers, "POST", "/inbox", headers, body)).status == status
        assert (await posted(servers)).status == 401


async def test_a_secure_server_shows_itself_to_who_signs(folder: Path) -> None:
    """In secure mode a document is for signed requests alone."""
    async with (
        FakeTarget(folder=folder) as target,
        served(folder, "secure", target=target) as servers,
    ):
        actor = servers.population.actor(0)
        path = actor.uri.partition(actor.host)[2]
        signed = sign_request(
            Scheme.CAVAGE,
            "GET",
            actor.uri,
            None,
            key_id=target.ada.key_id,
            private_key=load_private(target.keys.pair(0).private_der),
            now=datetime.now(UTC),
        )
        assert (await answered(servers, "GET", path, {})).status == 401
        assert (await answered(servers, "GET", path, dict(signed))).status == 200
