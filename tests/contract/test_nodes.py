"""What users of a cluster rely on; two ways to one broker stand for two of its nodes."""

import random

import pytest

from shared.queue import connection
from shared.queue.connection import connect
from shared.queue.management import Management, ManagementUnavailable
from shared.queue.publisher import Publisher
from shared.queue.topology import INBOX_RECEIVED
from tests.contract.proxy import Proxy, proxied
from tests.contract.requests import CODEC, request
from tests.infrastructure import Infrastructure, eventually, vhost_of
from tests.ports import free_port


async def test_the_next_node_takes_over(own_broker_url: str) -> None:
    """With one node away, at the start or later, publishing goes on over the other, and back again."""
    async with proxied(own_broker_url) as (one, first), proxied(own_broker_url) as (other, second):
        one.refuses = True
        async with connect(f"{first},{second}", "test", [INBOX_RECEIVED]) as broker:
            await broker.wait_until_up()
            publisher = Publisher(broker)
            await publisher.publish(INBOX_RECEIVED, CODEC, [request(1)])
            for gone, there in ((other, one), (one, other)):
                there.refuses, gone.refuses = False, True
                gone.cut()
                await _carries_both_links(there)
                await broker.wait_until_up()
                await publisher.publish(INBOX_RECEIVED, CODEC, [request(2)])
            queue = await (await broker.consuming.channel()).get_queue(INBOX_RECEIVED)
            for _ in range(3):
                await (await queue.get()).ack()


async def test_the_only_node_that_is_there_is_found_in_one_round(
    own_broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pauses that grow lie between rounds: one node back of three is enough, wherever a round begins."""
    monkeypatch.setattr(connection, "_FIRST_PAUSE", 3600.0)
    monkeypatch.setattr(random, "randrange", lambda _: 0)
    for place in range(3):
        ring = [f"amqp://127.0.0.1:{free_port()}"] * 2
        ring.insert(place, own_broker_url)
        async with connect(",".join(ring), "test", [INBOX_RECEIVED]) as broker:
            await broker.wait_until_up()


async def _carries_both_links(way: Proxy) -> None:
    await eventually(lambda: way.connections == 2, "both links by the other way")


async def test_management_is_asked_where_it_answers(
    own_broker_url: str, infrastructure: Infrastructure
) -> None:
    """Queue depths come from whichever node answers, and only when none does there is an error."""
    nobody = f"http://guest:guest@127.0.0.1:{free_port()}"
    vhost = vhost_of(own_broker_url)
    there = infrastructure.management_url
    credentials = there.removeprefix("http://").rpartition("@")[0]
    away = nobody.replace("guest:guest", credentials)
    async with Management(f"{away},{there}", vhost) as management:
        assert await management.queues() == []
    async with Management(f"{away},{nobody}", vhost) as management:
        with pytest.raises(ManagementUnavailable):
            await management.queues()
