"""What who begins may rely on: all that it needs is there afterwards, or it is told."""

import asyncio
from collections.abc import Sequence

from aio_pika.exceptions import CONNECTION_EXCEPTIONS, ChannelNotFoundEntity

from shared.queue import topology
from shared.queue.connection import Broker, connect
from shared.queue.publisher import Publisher
from shared.queue.topology import EXCHANGES, INBOX_RECEIVED, dead_queue
from tests.contract.proxy import proxied
from tests.contract.requests import CODEC, QUEUES, request
from tests.infrastructure import eventually


async def test_no_declaration_waits_for_another(own_broker_url: str) -> None:
    """All declarations are with the broker before the first of them is answered."""
    async with (
        proxied(own_broker_url) as (proxy, url),
        connect(url, "test", []) as slow,
        connect(own_broker_url, "other", []) as other,
    ):
        await slow.wait_until_up()
        await other.wait_until_up()
        everything = [*QUEUES, *map(dead_queue, QUEUES)]
        channel = await slow.consuming.channel()
        proxy.silence()
        declaring = asyncio.create_task(topology.declare(channel, QUEUES))
        await eventually(lambda: _are_there(other, everything, EXCHANGES), "all that was declared")
        assert not declaring.done(), "nobody has answered"
        proxy.speak()
        await declaring


async def test_a_refused_declaration_is_an_outage(own_broker_url: str) -> None:
    """Where a queue is another than ours the link does not count as up, until that is mended."""
    async with connect(own_broker_url, "operator", []) as operator:
        await operator.wait_until_up()
        await (await operator.consuming.channel()).declare_queue(INBOX_RECEIVED, durable=True)
        # A broker that is busy may take longer than a declaration waits; then it is asked again.
        await eventually(lambda: _is_refused(operator), "the declaration to be refused")
        async with connect(own_broker_url, "test", QUEUES) as broker:
            await broker.consuming.wait_until_up()
            await eventually(lambda: _are_there(operator, [dead_queue(INBOX_RECEIVED)]), "the refusal")
            assert await broker.check() == "disconnected"
            await (await operator.consuming.channel()).queue_delete(INBOX_RECEIVED)
            await broker.wait_until_up()
            await Publisher(broker).publish(INBOX_RECEIVED, CODEC, [request()])


async def _is_refused(broker: Broker) -> bool:
    try:
        await topology.declare(await broker.consuming.channel(), QUEUES)
    except CONNECTION_EXCEPTIONS as error:
        return "inequivalent arg" in str(error)
    return False


async def _are_there(broker: Broker, queues: Sequence[str], exchanges: Sequence[str] = ()) -> bool:
    channel = await broker.consuming.channel()
    try:
        for queue in queues:
            await channel.get_queue(queue)
        for exchange in exchanges:
            await channel.get_exchange(exchange)
    except ChannelNotFoundEntity:
        return False
    await channel.close()
    return True
