"""A connection that dies while something is asked over it; the client library then says: cancelled."""

import asyncio
from collections.abc import Sequence

import pytest
from aio_pika.abc import AbstractChannel

from shared.protocol.errors import Unavailable
from shared.queue import connection, topology
from shared.queue.connection import connect
from shared.queue.consumer import BatchConsumer
from shared.queue.publisher import Publisher
from shared.queue.topology import INBOX_RECEIVED
from tests.contract.proxy import proxied
from tests.contract.requests import CODEC, Recorder, request
from tests.infrastructure import eventually

DECLARED = INBOX_RECEIVED.encode()


async def test_a_link_comes_up_after_a_cut_in_its_declarations(own_broker_url: str) -> None:
    """A connection cut while its queues are declared is made again, by itself."""
    async with proxied(own_broker_url) as (proxy, url):
        proxy.cuts_at = DECLARED
        async with connect(url, "test", [INBOX_RECEIVED]) as broker:
            await broker.wait_until_up()
            assert proxy.cuts_at == b"", "nothing was cut"
            await Publisher(broker).publish(INBOX_RECEIVED, CODEC, [request(1)])


async def test_a_consumer_comes_back_after_a_cut_in_its_beginning(own_broker_url: str) -> None:
    """A consumer whose channel is cut before it consumes begins again, and gets what is there."""
    recorder = Recorder()
    async with proxied(own_broker_url) as (proxy, url), connect(url, "test", []) as broker:
        await broker.wait_until_up()
        proxy.cuts_at = DECLARED
        async with BatchConsumer(broker, INBOX_RECEIVED, CODEC, recorder):
            await eventually(lambda: proxy.cuts_at == b"", "the cut")
            await broker.wait_until_up()
            await _publish_in_the_end(Publisher(broker))
            await eventually(lambda: recorder.done == [1], "the item")


@pytest.mark.parametrize("who", ["link", "consumer"])
async def test_a_cancellation_by_the_library_is_a_loss(
    own_broker_url: str, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    """Where the client library gives a connection up, it cancels what waits: nobody stops for it."""
    declare, cancelled = topology.declare, list[str]()

    async def cancel_once(channel: AbstractChannel, queues: Sequence[str]) -> None:
        if not cancelled:
            cancelled.append(who)
            raise asyncio.CancelledError
        await declare(channel, queues)

    recorder = Recorder()
    declared = [INBOX_RECEIVED] if who == "link" else []
    monkeypatch.setattr(topology, "declare", cancel_once)
    async with connect(own_broker_url, "test", declared) as broker:
        async with BatchConsumer(broker, INBOX_RECEIVED, CODEC, recorder):
            await broker.wait_until_up()
            await _publish_in_the_end(Publisher(broker))
            await eventually(lambda: recorder.done == [1], "the item")
        assert cancelled == [who]
        assert await broker.check() == ""


async def test_a_link_that_declares_is_not_up(own_broker_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until its queues are declared a link counts as disconnected, for readiness too."""
    declare, begun, go = topology.declare, asyncio.Event(), asyncio.Event()

    async def wait(channel: AbstractChannel, queues: Sequence[str]) -> None:
        begun.set()
        await go.wait()
        await declare(channel, queues)

    monkeypatch.setattr(topology, "declare", wait)
    async with connect(own_broker_url, "test", [INBOX_RECEIVED]) as broker:
        await begun.wait()
        assert await broker.check() == "disconnected"
        go.set()
        await broker.wait_until_up()
        assert await broker.check() == ""


async def test_a_broker_that_is_slow_to_declare_is_not_given_up(
    own_broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Declarations may take longer than a connection: one that begins anew would only add to the load."""
    declare, begun = topology.declare, list[Sequence[str]]()

    async def slowly(channel: AbstractChannel, queues: Sequence[str]) -> None:
        begun.append(queues)
        await asyncio.sleep(1.5 * connection.CONNECT_TIMEOUT)  # as slow as this broker is
        await declare(channel, queues)

    monkeypatch.setattr(connection, "CONNECT_TIMEOUT", 1.0)
    monkeypatch.setattr(topology, "declare", slowly)
    async with connect(own_broker_url, "test", [INBOX_RECEIVED]) as broker:
        await broker.wait_until_up()
    assert begun == [[INBOX_RECEIVED]]


async def test_a_cut_publish_is_an_outage_and_no_cancellation(own_broker_url: str) -> None:
    """Whoever publishes is told of an outage, of the kind that may have kept the message."""
    async with proxied(own_broker_url) as (proxy, url), connect(url, "test", [INBOX_RECEIVED]) as broker:
        await broker.wait_until_up()
        proxy.cuts_at = DECLARED
        with pytest.raises(Unavailable):
            await Publisher(broker).publish(INBOX_RECEIVED, CODEC, [request(1)])


async def _publish_in_the_end(publisher: Publisher) -> None:
    """Publish as soon as there is a queue for it: only the consumer declares one."""

    async def published() -> bool:
        try:
            await publisher.publish(INBOX_RECEIVED, CODEC, [request(1)])
        except Unavailable:
            return False
        return True

    await eventually(published, "a confirmed item")
