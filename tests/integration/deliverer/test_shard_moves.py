"""Delivery shards move between deliverers; what is on its way does not suffer."""

import asyncio
import signal
from collections import Counter

import pytest

from shared.protocol.activities import Activity
from shared.queue.connection import connect
from shared.queue.publisher import Publisher
from shared.queue.topology import SHARDS
from tests.fakes.remote_host import RemoteHost
from tests.infrastructure import eventually
from tests.integration.deliverer.processes import deliverer_process
from tests.integration.deliverer.running import QUEUES, RunningDeliverer
from tests.integration.world import World

pytestmark = pytest.mark.faults

HOSTS = 8
POSTS_AFTER = 10


async def _shares(world: World) -> list[int]:
    async with world.pool.acquire() as conn:
        rows = await conn.fetch("SELECT owner FROM shard_leases")
    return sorted(Counter(row["owner"] for row in rows).values())


async def _until_shares(world: World, *shares: int) -> None:
    assert sum(shares) == SHARDS

    async def reached() -> bool:
        return await _shares(world) == sorted(shares)

    await eventually(reached, f"shares of {shares}", seconds=60)


async def test_shards_follow_the_deliverers(world: World, own_database_url: str, own_broker_url: str) -> None:
    """Shards spread evenly over those who run, whether they join, leave in order or are killed."""
    one, two, three = (deliverer_process(own_database_url, own_broker_url) for _ in range(3))
    async with one:
        await _until_shares(world, 32)
        async with two as second:
            await _until_shares(world, 16, 16)
            async with three as third:
                await _until_shares(world, 10, 11, 11)
                third.send_signal(signal.SIGKILL)
                await _until_shares(world, 16, 16)
            second.terminate()
            assert await second.wait() == 0
            # What it had is nobody's for a moment, and then the other's, not all of it at once.
            assert len(await _shares(world)) == 1, "it left without handing on"
            await _until_shares(world, 32)


async def test_moves_neither_lose_nor_reorder(
    world: World, own_database_url: str, own_broker_url: str
) -> None:
    """While one deliverer joins and another is killed, each host gets all, and Deletes after Creates."""
    ada = await world.account("ada")
    hosts = [world.remote.host(f"birch{number}") for number in range(HOSTS)]
    for host in hosts:
        await world.follow(host.actor("nora").id, ada)
        host.behave("/inbox", delay=0.03)
    async with connect(own_broker_url, "test", QUEUES) as broker:
        await broker.wait_until_up()
        sender = RunningDeliverer(world, Publisher(broker))
        moved = asyncio.Event()
        async with (
            deliverer_process(own_database_url, own_broker_url) as first,
            deliverer_process(own_database_url, own_broker_url),
        ):
            await _until_shares(world, 16, 16)
            sending = asyncio.create_task(_send_and_delete(sender, ada, moved))
            await hosts[0].wait_for("Delete", count=5, deadline=60)
            async with deliverer_process(own_database_url, own_broker_url):
                await _until_shares(world, 10, 11, 11)
                first.send_signal(signal.SIGKILL)
                assert await first.wait() == -signal.SIGKILL
                moved.set()
                posts = await sending
                await _until_settled(world, len(posts) * 2 * HOSTS)
    for host in hosts:
        _check_order(host, posts)


async def _send_and_delete(sender: RunningDeliverer, author: int, moved: asyncio.Event) -> list[Activity]:
    """Post and delete for as long as shards move, and a little longer; return the posts."""
    posts: list[Activity] = []
    left = POSTS_AFTER
    while left:
        post = sender.post(author)
        await sender.send(post)
        await sender.send(sender.delete(post))
        posts.append(post)
        left -= moved.is_set()
        await asyncio.sleep(0.15)  # a steady stream, so that every move meets something on its way
    return posts


async def _until_settled(world: World, count: int) -> None:
    async def reached() -> bool:
        async with world.pool.acquire() as conn:
            delivered: int = await conn.fetchval("SELECT count(*) FROM deliveries WHERE state = 1")
        return delivered == count

    await eventually(reached, f"{count} deliveries", seconds=90)


def _check_order(host: RemoteHost, posts: list[Activity]) -> None:
    arrived = [str(one.activity["id"]) for one in host.received]
    for post in posts:
        delete = post.id.removesuffix("/activity") + "#delete"
        creates = [place for place, uri in enumerate(arrived) if uri == post.id]
        deletes = [place for place, uri in enumerate(arrived) if uri == delete]
        assert creates, "a Create was lost"
        assert deletes, "a Delete was lost"
        # Only what the killed one had in hand may come again, and then in order again.
        assert len(creates) <= 2
        assert len(deletes) <= 2
        assert creates[0] < deletes[0]
        assert creates[-1] < deletes[-1]
