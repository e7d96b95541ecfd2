"""The broker counts messages, whatever their size; a consumer bounds what it holds in bytes, too."""

import asyncio
from collections.abc import Sequence

from shared.protocol.messages import ReceivedRequest
from shared.queue.connection import Broker
from shared.queue.consumer import BatchConsumer
from shared.queue.publisher import Publisher
from shared.queue.topology import FANOUT_PLAN
from tests.contract.requests import CODEC, number_of, request
from tests.infrastructure import eventually

SIZE = 64 << 10
MESSAGES = 40
ROOM = 10 * SIZE + SIZE // 2
"""Bytes for ten of them."""


async def test_what_has_no_room_goes_back_and_less_is_sent_ahead(
    broker: Broker, publisher: Publisher
) -> None:
    """Large messages are not held beyond the bound; the broker keeps them, and all are handled in order."""
    done: list[int] = []
    may = asyncio.Semaphore(0)

    async def handle(items: Sequence[ReceivedRequest]) -> None:
        await may.acquire()
        done.extend(number_of(item) for item in items)

    async def ready(count: int) -> bool:
        channel = await broker.consuming.channel()
        found = (await channel.get_queue(FANOUT_PLAN)).declaration_result
        await channel.close()
        return found.message_count == count

    bodies = [CODEC.encode([request(number, b"x" * SIZE)]) for number in range(MESSAGES)]
    await publisher.publish_many([(FANOUT_PLAN, body) for body in bodies])
    async with BatchConsumer(broker, FANOUT_PLAN, CODEC, handle, max_items=1, max_bytes=ROOM):
        await eventually(lambda: ready(0), "all to be sent ahead")
        may.release()
        # One is done, one in work, and four wait: half of those that had room.
        await eventually(lambda: ready(MESSAGES - 1 - 5), "the others to be back")
        for _ in range(MESSAGES):
            may.release()
        await eventually(lambda: len(done) >= MESSAGES, "all messages")
    assert done == list(range(MESSAGES))
