"""What a publish can come to, each told apart from the others."""

import asyncio

import pamqp.frame
import pytest
from aio_pika.abc import AbstractQueue
from pamqp.commands import Connection

from shared.queue.connection import Blocked, Broker, Disconnected, connect
from shared.queue.management import Management
from shared.queue.publisher import MAX_MESSAGE_BYTES, Publisher, Refused, Unconfirmed, Unroutable
from shared.queue.topology import ACTIVITY_ACCEPTED, INBOX_RECEIVED
from tests.contract.proxy import proxied
from tests.contract.requests import CODEC, QUEUES, number_of, request
from tests.infrastructure import Infrastructure, eventually, vhost_of


async def queue_of(broker: Broker, name: str = INBOX_RECEIVED) -> AbstractQueue:
    """Return a queue to look at."""
    return await (await broker.consuming.channel()).get_queue(name)


async def taken(queue: AbstractQueue) -> list[list[int]]:
    """Take all messages off a queue and return the numbers in each."""
    found = []
    while (message := await queue.get(fail=False, no_ack=True)) is not None:
        found.append([number_of(item) for item in CODEC.decode(message.body)])
    return found


async def test_a_confirmed_message_is_on_the_queue(broker: Broker, publisher: Publisher) -> None:
    """After publish has returned, its items are on the queue, durable and in order."""
    await publisher.publish(INBOX_RECEIVED, CODEC, [request(1), request(2)])
    message = await (await queue_of(broker)).get()
    assert message.delivery_mode == 2
    assert CODEC.decode(message.body) == [request(1), request(2)]


async def test_a_message_without_a_queue_is_unroutable(publisher: Publisher) -> None:
    """A message that no queue takes is reported, and the channel serves the next one."""
    with pytest.raises(Unroutable):
        await publisher.publish("nowhere", CODEC, [request()])
    await publisher.publish(INBOX_RECEIVED, CODEC, [request()])


async def test_a_full_queue_refuses(
    own_broker_url: str, infrastructure: Infrastructure, broker: Broker, publisher: Publisher
) -> None:
    """A queue at its maximum refuses, keeps what it has, and takes more once there is room."""
    async with Management(infrastructure.management_url, vhost_of(own_broker_url)) as management:
        limit = {"pattern": "^inbox", "definition": {"max-length": 3}, "apply-to": "queues"}
        await management.request("PUT", f"/policies/{management.vhost}/full", limit)
    confirmed: list[int] = []

    async def refused() -> bool:
        number = len(confirmed) + 1
        try:
            await publisher.publish(INBOX_RECEIVED, CODEC, [request(number)])
        except Refused:
            return True
        confirmed.append(number)
        return False

    await eventually(refused, "a refusal")
    kept = await taken(await queue_of(broker))
    assert [[number] for number in confirmed] == kept
    await publisher.publish(INBOX_RECEIVED, CODEC, [request()])


async def test_no_answer_is_unconfirmed(own_broker_url: str) -> None:
    """Silence of the broker ends at the deadline, as an outcome that nobody knows."""
    async with proxied(own_broker_url) as (proxy, url), connect(url, "test", QUEUES) as broker:
        await broker.wait_until_up()
        publisher = Publisher(broker, timeout=0.3)
        await publisher.publish(INBOX_RECEIVED, CODEC, [request(1)])
        proxy.silence()
        with pytest.raises(Unconfirmed):
            await publisher.publish(INBOX_RECEIVED, CODEC, [request(2)])
        with pytest.raises(Unconfirmed):
            await publisher.publish_many([(INBOX_RECEIVED, CODEC.encode([request(n)])) for n in (3, 4)])
        proxy.speak()
        await publisher.publish(INBOX_RECEIVED, CODEC, [request(5)])
        assert [1] in await taken(await queue_of(broker))


async def test_a_cut_connection_is_unconfirmed(own_broker_url: str) -> None:
    """A connection that breaks before the confirm leaves the outcome open, and never cancels the caller."""
    async with proxied(own_broker_url) as (proxy, url), connect(url, "test", QUEUES) as broker:
        await broker.wait_until_up()
        publisher = Publisher(broker)
        await publisher.publish(INBOX_RECEIVED, CODEC, [request(1)])
        proxy.silence()
        sends = [
            asyncio.create_task(publisher.publish(INBOX_RECEIVED, CODEC, [request(2)])),
            asyncio.create_task(
                publisher.publish_many([(INBOX_RECEIVED, CODEC.encode([request(n)])) for n in (3, 4)])
            ),
        ]
        await asyncio.sleep(0.05)
        proxy.cut()
        results = await asyncio.gather(*sends, return_exceptions=True)
        assert [type(result) for result in results] == [Unconfirmed, Unconfirmed]


async def test_an_alarm_of_the_broker_is_told_at_once(own_broker_url: str) -> None:
    """While the broker has a memory or disk alarm, publish fails fast, and works again after it."""
    async with proxied(own_broker_url) as (proxy, url), connect(url, "test", QUEUES) as broker:
        await broker.wait_until_up()
        publisher = Publisher(broker)
        proxy.inject(pamqp.frame.marshal(Connection.Blocked(reason="low on disk"), 0))
        await eventually(lambda: broker.publishing.blocked, "the alarm")
        assert "alarm" in await broker.check()
        with pytest.raises(Blocked):
            await publisher.publish(INBOX_RECEIVED, CODEC, [request(1)])
        proxy.inject(pamqp.frame.marshal(Connection.Unblocked(), 0))
        await eventually(lambda: not broker.publishing.blocked, "the end of the alarm")
        await publisher.publish(INBOX_RECEIVED, CODEC, [request(2)])
        assert await taken(await queue_of(broker)) == [[2]]


async def test_without_a_connection_nothing_is_sent(own_broker_url: str) -> None:
    """Without a broker, publish says so at once; when it is back, publishing works again by itself."""
    async with proxied(own_broker_url) as (proxy, url), connect(url, "test", QUEUES) as broker:
        await broker.wait_until_up()
        publisher = Publisher(broker)
        await publisher.publish(INBOX_RECEIVED, CODEC, [request(1)])
        proxy.refuses = True
        proxy.cut()
        await eventually(lambda: broker.publishing.check() == "disconnected", "the loss")
        assert await broker.check() == "disconnected"
        with pytest.raises(Disconnected):
            await publisher.publish(INBOX_RECEIVED, CODEC, [request(2)])
        proxy.refuses = False
        await broker.wait_until_up()
        await publisher.publish(INBOX_RECEIVED, CODEC, [request(3)])
        assert await taken(await queue_of(broker)) == [[1], [3]]


async def test_what_the_broker_does_not_know_any_more_is_declared_again(own_broker_url: str) -> None:
    """A broker that came back empty gets its queues again with the connection."""
    async with proxied(own_broker_url) as (proxy, url), connect(url, "test", QUEUES) as broker:
        await broker.wait_until_up()
        await (await broker.consuming.channel()).queue_delete(ACTIVITY_ACCEPTED)
        proxy.refuses = True
        proxy.cut()
        await eventually(lambda: broker.publishing.check() == "disconnected", "the loss")
        proxy.refuses = False
        await broker.wait_until_up()
        await Publisher(broker).publish(ACTIVITY_ACCEPTED, CODEC, [request()])


async def test_large_batches_become_several_messages(broker: Broker, publisher: Publisher) -> None:
    """Neither many items nor large ones make a message that the broker or a consumer would choke on."""
    await publisher.publish(INBOX_RECEIVED, CODEC, [request(n) for n in range(130)])
    assert [len(numbers) for numbers in await taken(await queue_of(broker))] == [64, 64, 2]
    body = b"x" * (MAX_MESSAGE_BYTES // 3)
    await publisher.publish(INBOX_RECEIVED, CODEC, [request(n, body) for n in range(4)])
    assert await taken(await queue_of(broker)) == [[0, 1], [2, 3]]


async def test_concurrent_publishes_keep_the_order_of_the_calls(broker: Broker, publisher: Publisher) -> None:
    """Messages stand on the queue in the order in which they were published, without waiting in between."""
    sends = [asyncio.create_task(publisher.publish(INBOX_RECEIVED, CODEC, [request(n)])) for n in range(50)]
    await asyncio.gather(*sends)
    assert await taken(await queue_of(broker)) == [[n] for n in range(50)]
