"""A deliverer that is killed loses nothing."""

import signal

import pytest

from shared.protocol.messages import AcceptedActivity, Codec
from shared.queue.connection import connect
from shared.queue.publisher import Publisher
from shared.queue.topology import FANOUT_PLAN
from tests.infrastructure import eventually
from tests.integration.deliverer.processes import deliverer_process
from tests.integration.deliverer.running import QUEUES, RunningDeliverer, message_of
from tests.integration.world import World

HOSTS = 5
POSTS = 30


@pytest.mark.faults
async def test_killed_deliverer_loses_nothing(
    world: World, own_database_url: str, own_broker_url: str
) -> None:
    """What a deliverer had in hand when it was killed is delivered by the next one, and recorded once."""
    ada = await world.account("ada")
    hosts = [world.remote.host(f"birch{number}") for number in range(HOSTS)]
    for host in hosts:
        await world.follow(host.actor("nora").id, ada)
        host.behave("/inbox", delay=0.05)
    async with connect(own_broker_url, "test", QUEUES) as broker:
        await broker.wait_until_up()
        deliverer = RunningDeliverer(world, Publisher(broker))
        posts = [deliverer.post(ada) for _ in range(POSTS)]
        items = [message_of(post) for post in posts]
        async with deliverer_process(own_database_url, own_broker_url) as first:
            for item in items:
                await deliverer.publisher.publish(FANOUT_PLAN, Codec(AcceptedActivity), [item])
            await hosts[0].wait_for("Create", count=POSTS // 3, deadline=60)
            first.send_signal(signal.SIGKILL)
            assert await first.wait() == -signal.SIGKILL
        arrived = sum(len(host.received) for host in hosts)
        assert arrived < POSTS * HOSTS, "the deliverer had finished before it was killed"
        async with deliverer_process(own_database_url, own_broker_url):

            async def all_recorded() -> bool:
                async with world.pool.acquire() as conn:
                    count: int = await conn.fetchval("SELECT count(*) FROM deliveries WHERE state = 1")
                return count == POSTS * HOSTS

            await eventually(all_recorded, "everything to be delivered", seconds=90)
    expected = {post.id for post in posts}
    for host in hosts:
        assert {str(one.activity["id"]) for one in host.received} == expected


@pytest.mark.faults
async def test_stopped_deliverer_finishes_what_it_has_in_hand(
    world: World, own_database_url: str, own_broker_url: str
) -> None:
    """SIGTERM ends the deliverer in order: it exits with 0, and nothing that was sent is sent again."""
    ada = await world.account("ada")
    birch = world.remote.host("birch")
    await world.follow(birch.actor("nora").id, ada)
    birch.behave("/inbox", delay=0.1)
    async with connect(own_broker_url, "test", QUEUES) as broker:
        await broker.wait_until_up()
        deliverer = RunningDeliverer(world, Publisher(broker))
        posts = [deliverer.post(ada) for _ in range(20)]
        async with deliverer_process(own_database_url, own_broker_url) as first:
            await deliverer.send(*posts)
            await birch.wait_for("Create", count=3, deadline=60)
            first.terminate()
            assert await first.wait() == 0
        async with deliverer_process(own_database_url, own_broker_url):
            for post in posts:
                await deliverer.until(post, delivered=1)
    assert [str(one.activity["id"]) for one in birch.received] == [post.id for post in posts]
