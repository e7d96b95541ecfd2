"""What could not be handled: look at it, send it on its way again, or throw it away.

A letter that one of our consumers gave up says why in its headers. One that the broker gave up, because
it came back too often, has only the broker's word for it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import CONNECTION_EXCEPTIONS
from msgspec import Struct

from shared.queue import topology
from shared.queue.connection import Broker, Disconnected, cancelled_by_us_alone
from shared.queue.handling import DETAIL_HEADER, DIED_AT_HEADER, REASON_HEADER, TRACE_HEADER
from shared.queue.publisher import Publisher

_TIMEOUT = 30.0


class DeadLetter(Struct, frozen=True, kw_only=True):
    """One message of a dead-letter queue.

    `id` names it for a later call; `payload` is the message as its consumer got it, 1 to 64 items;
    `died_at` is ISO 8601, empty where unknown.
    """

    id: str
    queue: str
    reason: str
    detail: str
    trace: str
    died_at: str
    payload: bytes


async def counts(broker: Broker, queues: Collection[str] = topology.ALL_QUEUES) -> dict[str, int]:
    """Return how many dead letters each queue has, queues without any left out."""
    async with _channel(broker) as channel:
        found = {queue: await _count(channel, queue) for queue in queues}
    return {queue: count for queue, count in found.items() if count}


async def read(broker: Broker, queue: str, *, limit: int = 50) -> list[DeadLetter]:
    """Return the oldest dead letters of a queue; they stay where they are."""
    async with _channel(broker) as channel:
        dead = await _dead_queue(channel, queue)
        messages = [message async for message in _take(dead, limit)]
        letters = [_letter(queue, message) for message in messages]
        for message in messages:
            await message.nack(requeue=True)
        return letters


async def replay(
    broker: Broker, queue: str, *, ids: Collection[str] | None = None, reason: str | None = None
) -> int:
    """Put dead letters on their queue again and return how many.

    Args:
        broker: Where they are.
        queue: Their queue, without `.dead`.
        ids: Only these.
        reason: Only those that died of this.
    """
    publisher = Publisher(broker)

    async def publish(letter: DeadLetter) -> None:
        await publisher.publish_many([(queue, letter.payload)])

    try:
        return await _settle(broker, queue, _chosen(ids, reason), publish)
    finally:
        await publisher.close()


async def purge(
    broker: Broker, queue: str, *, ids: Collection[str] | None = None, reason: str | None = None
) -> int:
    """Throw dead letters away for good and return how many; arguments as for `replay`."""
    if ids is None and reason is None:
        async with _channel(broker) as channel:
            gone = await (await _dead_queue(channel, queue)).purge(timeout=_TIMEOUT)
            return gone.message_count or 0

    async def drop(_letter: DeadLetter) -> None:
        return

    return await _settle(broker, queue, _chosen(ids, reason), drop)


async def _settle(
    broker: Broker,
    queue: str,
    chosen: Callable[[DeadLetter], bool],
    act: Callable[[DeadLetter], Any],
) -> int:
    """Act on each chosen letter and then acknowledge it; the others go back."""
    done = 0
    kept: list[AbstractIncomingMessage] = []
    async with _channel(broker) as channel:
        dead = await _dead_queue(channel, queue)
        # Not more than are there now: what dies again meanwhile must not go round and round.
        async for message in _take(dead, dead.declaration_result.message_count or 0):
            letter = _letter(queue, message)
            if chosen(letter):
                await act(letter)
                await message.ack()
                done += 1
            else:
                kept.append(message)
        for message in kept:
            await message.nack(requeue=True)
    return done


def _chosen(ids: Collection[str] | None, reason: str | None) -> Callable[[DeadLetter], bool]:
    def chosen(letter: DeadLetter) -> bool:
        return (ids is None or letter.id in ids) and (reason is None or letter.reason == reason)

    return chosen


async def _take(queue: AbstractQueue, limit: int) -> AsyncIterator[AbstractIncomingMessage]:
    for _ in range(limit):
        message = await queue.get(fail=False, timeout=_TIMEOUT)
        if message is None:
            return
        yield message


def _letter(queue: str, message: AbstractIncomingMessage) -> DeadLetter:
    headers = message.headers
    reason = headers.get(REASON_HEADER) or headers.get("x-first-death-reason") or "unknown"
    return DeadLetter(
        id=message.message_id or "",
        queue=queue,
        reason=str(reason),
        detail=str(headers.get(DETAIL_HEADER) or ""),
        trace=str(headers.get(TRACE_HEADER) or ""),
        died_at=str(headers.get(DIED_AT_HEADER) or ""),
        payload=message.body,
    )


async def _dead_queue(channel: AbstractChannel, queue: str) -> AbstractQueue:
    return await channel.get_queue(topology.dead_queue(queue))


async def _count(channel: AbstractChannel, queue: str) -> int:
    return (await _dead_queue(channel, queue)).declaration_result.message_count or 0


@asynccontextmanager
async def _channel(broker: Broker) -> AsyncIterator[AbstractChannel]:
    """Open a channel for a while; raises Disconnected when it breaks."""
    channel = await broker.consuming.channel()
    try:
        with cancelled_by_us_alone():
            yield channel
    except (*CONNECTION_EXCEPTIONS, TimeoutError) as error:
        raise Disconnected(str(error)) from error
    finally:
        if not channel.is_closed:
            await asyncio.shield(channel.close())
