"""One site with two of each service of the inbound path, and what senders and operators do to it."""

import asyncio
import contextlib
import gzip
import io
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from types import MappingProxyType

import aiohttp
import msgspec
import psutil
import pytest
import pytest_asyncio

from services.load_generator import payloads
from services.load_generator.signing import SignedRequest, sign_all
from shared.queue import dead_letters
from shared.queue.connection import connect
from shared.queue.dead_letters import DeadLetter
from shared.queue.management import Management
from shared.queue.topology import ACTIVITY_ACCEPTED, INBOX_RECEIVED
from tests.faults.figures import Figures
from tests.faults.traffic import HOSTS, INBOUND, Traffic, traffic_to
from tests.infrastructure import Infrastructure, database, eventually, vhost, vhost_of
from tests.integration.receiver.inbox import signed
from tests.sites import Site

REPLICAS = (*INBOUND, *(f"{service}.1" for service in INBOUND), "fanout_deliverer")
RECEIVERS, VERIFIERS, BUILDERS = ((service, f"{service}.1") for service in INBOUND)
COPIES = 100
MOST = 5
"""Messages that fit into the queue that is made small."""

IDLE = 2000
"""Idle connections to one receiver."""

GROWTH = 64
"""Megabytes that a receiver may grow by: its connections, buffers, the allocator's slack."""

TOO_LARGE = 2 << 20
ATTACKS = 20
BOMBS: list[tuple[bytes, dict[str, str]]] = [
    (b'{"a":' * 20_000, {}),
    (b"[" + b"1e300," * 9000 + b"0]", {}),
    (gzip.compress(bytes(1 << 20)), {"Content-Encoding": "gzip"}),
]

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_traffic(
    infrastructure: Infrastructure, database_template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Traffic]:
    """Run the site for all tests here."""
    async with AsyncExitStack() as stack:
        site = Site(
            name="loom",
            database_url=stack.enter_context(database(infrastructure.database_url, database_template)),
            broker_url=stack.enter_context(vhost(infrastructure)),
            folder=tmp_path_factory.mktemp("replicas"),
        )
        traffic = await stack.enter_async_context(traffic_to(site, Figures(test=""), services=REPLICAS))
        traffic.doors = list(RECEIVERS)
        yield traffic


@pytest.fixture
def traffic(shared_traffic: Traffic, figures: Figures) -> Traffic:
    """Return the traffic with the figures of this test; its account holds what came before, too."""
    shared_traffic.figures = figures
    return shared_traffic


async def test_a_hundred_copies_have_one_effect(traffic: Traffic) -> None:
    """The same Follow and the same post, a hundred times at once over all replicas, count once each."""
    follower, other = traffic.population.actor(0), traffic.population.actor(HOSTS)
    follow, post = _follow(traffic, 0), traffic.make()
    copies = [(follow, post)[number % 2] for number in range(2 * COPIES)]
    assert set(await asyncio.gather(*map(traffic.send, copies))) == {202}
    await eventually(lambda: _accepts(traffic, follower.host) > 0, "the Accept", seconds=60)
    # Deliveries to a host keep their order: a later Accept shows that no second one is on its way.
    assert other.host == follower.host
    assert await traffic.send(_follow(traffic, HOSTS)) == 202
    await eventually(lambda: _accepts(traffic, follower.host) > 1, "another Accept", seconds=60)

    async def recognised() -> int:
        return sum([int(await _applied(traffic, one, outcome="repeated")) for one in BUILDERS])

    # The builders' batches end one after the other: what is counted below is final once all copies are.
    async def all_seen() -> bool:
        return await recognised() >= len(copies) - 2

    await eventually(all_seen, "every copy recognised", seconds=60)
    assert _accepts(traffic, follower.host) == 2
    for query, key in (
        ("claims WHERE activity_uri = $1", follow.activity_id),
        ("claims WHERE activity_uri = $1", post.activity_id),
        ("statuses WHERE uri || '/activity' = $1", post.activity_id),
        (
            "notifications n JOIN statuses s ON s.id = n.status_id WHERE s.uri || '/activity' = $1",
            post.activity_id,
        ),
        ("follows f JOIN actors a ON a.id = f.follower_id WHERE a.uri = $1", follower.uri),
    ):
        assert (query, await traffic.pool.fetchval(f"SELECT count(*) FROM {query}", key)) == (query, 1)  # noqa: S608
    traffic.figures.note(copies_sent=len(copies), recognised_by_the_builders=await recognised())


async def test_poison_dies_alone_and_comes_back(traffic: Traffic) -> None:
    """A post that always fails is a dead letter with its reason; replayed once mended, it counts once."""
    poison, others = traffic.make(), [traffic.make() for _ in range(20)]
    async with _poisoned(traffic, poison):
        await asyncio.gather(*(traffic.deliver(one) for one in (*others[:10], poison, *others[10:])))

        async def given_up() -> bool:
            return bool(await _letters(traffic))

        await eventually(given_up, "a dead letter", seconds=60)
        (letter,) = await _letters(traffic)
        assert (letter.reason, "poisoned" in letter.detail) == ("handler_failed", True)

        async def counted_once() -> bool:
            name = "heddle_dead_letters_total"
            counted = [await traffic.site.count(one, name, queue=ACTIVITY_ACCEPTED) for one in BUILDERS]
            return sum(counted) == 1

        await eventually(counted_once, "the letter in the counters", seconds=60)

        async def neighbours_applied() -> bool:
            claimed = "SELECT count(*) FROM claims WHERE activity_uri = ANY($1)"
            return bool(await traffic.pool.fetchval(claimed, [one.activity_id for one in others]) == 20)

        await eventually(neighbours_applied, "the neighbours of the poison", seconds=60)
    async with connect(traffic.site.broker_url, "test", []) as broker:
        await broker.wait_until_up()
        assert await dead_letters.replay(broker, ACTIVITY_ACCEPTED) == 1
    await traffic.applied()
    assert await _letters(traffic) == []


async def test_a_full_queue_is_503_and_loses_nothing(
    traffic: Traffic, infrastructure: Infrastructure
) -> None:
    """With the queue at its maximum and its consumers off, 503 says when to come again; nothing is lost."""
    site, since = traffic.site, asyncio.get_running_loop().time()
    for verifier in VERIFIERS:
        site.processes[verifier].running.send_signal(signal.SIGTERM)
    assert [await site.processes[one].running.wait() for one in VERIFIERS] == [0, 0]
    async with Management(infrastructure.management_url, vhost_of(site.broker_url)) as management:
        limit = {"pattern": "^inbox", "definition": {"max-length": MOST}, "apply-to": "queues"}
        await management.request("PUT", f"/policies/{management.vhost}/full", limit)
        async with traffic.flowing(40.0):
            await traffic.until_answered(503, since)
            status, reason, headers = await _post(traffic, traffic.make())
            assert (status, reason) == (503, "queue_full")
            assert int(headers["Retry-After"]) > 0
            assert await traffic.ready_in(INBOX_RECEIVED) >= MOST
            await management.request("DELETE", f"/policies/{management.vhost}/full")
            for verifier in VERIFIERS:
                await site.start_service(verifier)
    assert set(traffic.statuses(since=since)) == {202, 503}
    await traffic.applied()
    traffic.figures.note(answered_503=traffic.statuses(since=since)[503], lost=0)


async def test_idle_connections_and_bombs_leave_room_for_others(traffic: Traffic) -> None:
    """With thousands of idle connections, bodies too large and bombs, good traffic goes through."""
    receiver = psutil.Process(traffic.site.processes[RECEIVERS[0]].pid)
    before = receiver.memory_full_info().uss
    since = asyncio.get_running_loop().time()
    async with _idling(traffic), aiohttp.ClientSession() as session:
        good = [traffic.make() for _ in range(100)]
        answers, large, bombs = await asyncio.gather(
            asyncio.gather(*(_soon(traffic, one, number / 40) for number, one in enumerate(good))),
            asyncio.gather(*(_attack(traffic, session, bytes(TOO_LARGE)) for _ in range(ATTACKS))),
            asyncio.gather(*(_attack(traffic, session, *bomb) for bomb in BOMBS * ATTACKS)),
        )
        grown = (receiver.memory_full_info().uss - before) / (1 << 20)
        assert answers.count(202) >= 95
        assert set(large) == {413}
        assert all(400 <= status < 500 for status in bombs), bombs
        assert grown < GROWTH
    traffic.figures.note(
        idle_connections=IDLE,
        good_taken=answers.count(202),
        refused_413=len(large),
        bombs_refused=len(bombs),
        grown_megabytes=round(grown, 1),
        answers_503=traffic.statuses(since=since)[503],
    )
    await traffic.applied()


def _follow(traffic: Traffic, number: int) -> SignedRequest:
    actor = traffic.population.actor(number)
    made = (actor, f"{actor.uri}#follows/1", payloads.follow(actor, "1", traffic.mention))
    (request,) = sign_all(traffic.population.keys, f"{traffic.site.origin}/inbox", [made])
    return request


async def _soon(traffic: Traffic, request: SignedRequest, seconds: float) -> int:
    await asyncio.sleep(seconds)  # a sender's rate
    return await traffic.send(request)


def _accepts(traffic: Traffic, host: str) -> int:
    return sum((one.host, one.type) == (host, "Accept") for one in traffic.servers.arrived)


async def _applied(traffic: Traffic, builder: str, *, outcome: str) -> float:
    return await traffic.site.count(builder, "heddle_activities_applied_total", outcome=outcome)


async def _letters(traffic: Traffic) -> list[DeadLetter]:
    async with connect(traffic.site.broker_url, "test", []) as broker:
        await broker.wait_until_up()
        return await dead_letters.read(broker, ACTIVITY_ACCEPTED)


@contextlib.asynccontextmanager
async def _poisoned(traffic: Traffic, poison: SignedRequest) -> AsyncIterator[None]:
    """Have the handler fail at this post, whatever it does with others: the store refuses it."""
    note = poison.activity_id.removesuffix("/activity")
    await traffic.pool.execute(
        f"""
        CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'poisoned'; END $$;
        CREATE TRIGGER poison BEFORE INSERT ON statuses FOR EACH ROW WHEN (NEW.uri = '{note}')
            EXECUTE FUNCTION poison();
        """
    )
    try:
        yield
    finally:
        await traffic.pool.execute("DROP TRIGGER poison ON statuses; DROP FUNCTION poison()")


async def _post(traffic: Traffic, request: SignedRequest) -> tuple[int, str, dict[str, str]]:
    """Send the bytes of a request; returns status, reason and headers of the answer."""
    reader, writer = await _open(traffic)
    writer.write(request.wire)
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name: value for name, _, value in (line.partition(": ") for line in head[1:])}
    problem = msgspec.json.decode(await reader.readexactly(int(headers["Content-Length"])))
    writer.close()
    return int(head[0].split()[1]), problem["reason"], headers


async def _open(traffic: Traffic) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    port = int(traffic.site.processes[RECEIVERS[0]].listen.rsplit(":", 1)[1])
    return await asyncio.open_connection("127.0.0.1", port)


@contextlib.asynccontextmanager
async def _idling(traffic: Traffic) -> AsyncIterator[None]:
    """Hold connections open that send the begin of a request and no more."""
    opened = []
    try:
        for _ in range(IDLE // 100):
            opened += await asyncio.gather(*(_open(traffic) for _ in range(100)))
        for _, writer in opened:
            writer.write(b"POST /inbox HTTP/1.1\r\nHost: loom\r\n")
        yield
    finally:
        for _, writer in opened:
            writer.transport.abort()


async def _attack(
    traffic: Traffic,
    session: aiohttp.ClientSession,
    body: bytes,
    more: Mapping[str, str] = MappingProxyType({}),
) -> int:
    headers = signed(body) | dict(more)
    url = f"{traffic.site.processes[RECEIVERS[0]].listen}/inbox"
    async with session.post(url, data=io.BytesIO(body), headers=headers) as answer:
        await answer.read()
        return answer.status
