"""The parts that delivery leans on break under load; nothing is lost, and nothing needs a restart."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from shared.protocol.activities import Activity
from shared.protocol.errors import Unavailable
from shared.queue.connection import connect
from shared.queue.publisher import Publisher
from tests.contract.proxy import proxied
from tests.fakes.remote_host import RemoteHost
from tests.faults.private_broker import is_fetched, private_broker
from tests.infrastructure import eventually
from tests.integration.deliverer.processes import deliverer_process
from tests.integration.deliverer.running import QUEUES, RunningDeliverer, run_deliverer
from tests.integration.world import World, open_world

pytestmark = pytest.mark.faults

HOSTS = 6
POSTS = 60
PAUSE = 0.1


@pytest.fixture
async def world(own_database_url: str) -> AsyncIterator[World]:
    """Yield a site of its own with a fake fediverse around it."""
    async with open_world(own_database_url) as opened:
        yield opened


async def _followed(world: World) -> tuple[int, list[RemoteHost]]:
    """Return a local account and the hosts of its followers, which take a moment for each delivery."""
    ada = await world.account("ada")
    hosts = [world.remote.host(f"birch{number}") for number in range(HOSTS)]
    for host in hosts:
        await world.follow(host.actor("nora").id, ada)
        host.behave("/inbox", delay=0.02)
    return ada, hosts


async def _send_all(sender: RunningDeliverer, posts: list[Activity]) -> None:
    """Put one post after the other on the plan queue, again where the broker has not confirmed it."""
    for post in posts:
        while True:
            with contextlib.suppress(Unavailable):
                await sender.send(post)
                break
            await asyncio.sleep(PAUSE)
        await asyncio.sleep(PAUSE)


async def _all_delivered(world: World) -> None:
    async def reached() -> bool:
        async with world.pool.acquire() as conn:
            count: int = await conn.fetchval("SELECT count(*) FROM deliveries WHERE state = 1")
        return count == POSTS * HOSTS

    await eventually(reached, "everything to be delivered", seconds=90)


def _arrived(host: RemoteHost) -> Counter[object]:
    return Counter(one.activity["id"] for one in host.received)


@pytest.mark.skipif(not is_fetched(), reason="RabbitMQ's programs are not fetched: `make test` does it")
async def test_killed_broker_loses_no_delivery(world: World, tmp_path: Path) -> None:
    """The broker is killed while deliveries are under way: all arrive, by deliverers that just went on."""
    ada, hosts = await _followed(world)
    async with private_broker(tmp_path) as server, run_deliverer(world, server.url) as deliverer:
        await asyncio.sleep(2)  # RabbitMQ 3.10 may lose a queue that is younger than its first snapshot
        posts = [deliverer.post(ada) for _ in range(POSTS)]
        sending = asyncio.create_task(_send_all(deliverer, posts))
        await hosts[0].wait_for("Create", count=POSTS // 4, deadline=60)
        server.kill()
        assert not sending.done()
        await server.start()
        await sending
        await _all_delivered(world)
    for host in hosts:
        assert set(_arrived(host)) == {post.id for post in posts}
        assert max(_arrived(host).values()) <= 2, "more than a redelivery"


async def test_database_out_of_reach_loses_nothing(own_database_url: str, own_broker_url: str) -> None:
    """While the database is away nothing dies, and afterwards all arrives by itself, and nothing twice.

    What was on its way in that moment keeps its outcome in memory until it can be recorded.
    """
    async with proxied(own_database_url) as (proxy, url), open_world(url) as world:
        ada, hosts = await _followed(world)
        async with run_deliverer(world, own_broker_url) as deliverer:
            posts = [deliverer.post(ada) for _ in range(POSTS)]
            sending = asyncio.create_task(_send_all(deliverer, posts))
            await hosts[0].wait_for("Create", count=POSTS // 4, deadline=60)
            proxy.refuses = True
            proxy.cut()
            with pytest.raises((OSError, asyncpg.PostgresError)):
                await asyncpg.connect(url, timeout=5)
            await sending
            assert sum(len(host.received) for host in hosts) < POSTS * HOSTS, "nothing was held back"
            proxy.refuses = False
            await _all_delivered(world)
    for host in hosts:
        assert _arrived(host) == {post.id: 1 for post in posts}


async def test_rolling_restart_fails_no_delivery(
    world: World, own_database_url: str, own_broker_url: str
) -> None:
    """Two deliverers are replaced one after the other under load: each leaves with 0, nothing comes twice."""
    ada, hosts = await _followed(world)
    async with contextlib.AsyncExitStack() as stack, connect(own_broker_url, "test", QUEUES) as broker:
        await broker.wait_until_up()
        sender = RunningDeliverer(world, Publisher(broker))
        posts = [sender.post(ada) for _ in range(POSTS)]
        old = [
            await stack.enter_async_context(deliverer_process(own_database_url, own_broker_url)) for _ in "12"
        ]
        sending = asyncio.create_task(_send_all(sender, posts))
        await hosts[0].wait_for("Create", count=3, deadline=60)
        for process in old:
            await stack.enter_async_context(deliverer_process(own_database_url, own_broker_url))
            process.terminate()
            assert await process.wait() == 0
        await sending
        await _all_delivered(world)
    for host in hosts:
        assert _arrived(host) == {post.id: 1 for post in posts}
