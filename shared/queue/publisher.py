"""Publishing that ends in one of five ways: confirmed, unroutable, refused, unconfirmed, or not sent."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TypeVar

from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, DeliveryError, PublishError
from aiormq.channel import Channel
from pamqp.commands import Basic

from shared.protocol.errors import Unavailable
from shared.protocol.messages import MAX_ITEMS, Codec, Message
from shared.queue.connection import Blocked, Broker, Disconnected, cancelled_by_us_alone, underlay

T = TypeVar("T", bound=Message)

CONFIRM_TIMEOUT = 5.0
"""Seconds until a publish that the broker has not answered counts as unconfirmed."""

RENEW_AFTER = 1.0
"""Seconds after which a channel on which a queue has said no gives way to a fresh one.

RabbitMQ 3.10 decides once per channel whether a queue takes messages. Asked while the queue has no leader, it
says for the rest of the channel's life that the queue is full.
"""

MAX_MESSAGE_BYTES = 1 << 20
"""A batch above this is sent as several messages, for a consumer has many messages in its hands."""

Headers = Mapping[str, str]
Payload = tuple[str, bytes]
"""A queue and one encoded message for it."""


class Unroutable(Unavailable):
    """No queue takes this message: it does not exist (yet); the message was not kept."""

    reason = "unroutable"


class Refused(Unavailable):
    """The queue is full and the broker has said no; the message was not kept."""

    reason = "queue_full"


class Unconfirmed(Unavailable):
    """Nobody knows whether the message was kept: no answer in time, or the connection broke meanwhile.

    Publishing it again may duplicate it, which every consumer must bear.
    """

    reason = "unconfirmed"


class Publisher:
    """Publishes persistent messages and returns after the broker has confirmed all of them.

    Safe to use from many tasks at once: their messages share one channel, nobody waits for another's
    confirm, and messages for one queue keep the order of the calls.

    Args:
        broker: Where to.
        timeout: Seconds for the answer of the broker.
    """

    def __init__(self, broker: Broker, *, timeout: float = CONFIRM_TIMEOUT) -> None:
        self._link = broker.publishing
        self._timeout = timeout
        self._channel: AbstractChannel | None = None
        self._opened_at = 0.0
        self._retired: deque[tuple[float, AbstractChannel]] = deque()
        self._opening = asyncio.Lock()

    async def publish(self, queue: str, codec: Codec[T], items: Sequence[T]) -> None:
        """Put these items on a queue, up to `MAX_ITEMS` in a message; an empty sequence does nothing.

        Raises one of the family Unavailable: `Unroutable`, `Refused`, `Unconfirmed`, `Disconnected` or
        `Blocked`. A part of the items may then have been kept.
        """
        await self.publish_many([(queue, payload) for payload in encode_batches(codec, items)])

    async def publish_many(self, payloads: Sequence[Payload], *, headers: Headers | None = None) -> None:
        """Put encoded messages on their queues, in this order; they are confirmed together.

        Raises as `publish` does, the first failure of all.
        """
        if not payloads:
            return
        opened = False
        try:
            async with asyncio.timeout(self._timeout):
                channel = await self._open()
                opened = True
                if len(payloads) == 1:
                    await _send(channel, *payloads[0], headers)
                    return
                # Tasks start in this order, and the channel serves them in it.
                sends = [_send(channel, queue, body, headers) for queue, body in payloads]
                results = await asyncio.gather(*sends, return_exceptions=True)
        except TimeoutError as error:
            silent = f"no answer within {self._timeout} s"
            raise (Unconfirmed(silent) if opened else Disconnected(silent)) from error
        except Refused:
            self._retire()
            raise
        if any(isinstance(result, Refused) for result in results):
            self._retire()
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def close(self) -> None:
        """Give the channel back."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await _close(channel)
        while self._retired:
            await _close(self._retired.popleft()[1])

    async def _open(self) -> Channel:
        if self._link.blocked:
            raise Blocked
        if self._channel is None or self._channel.is_closed:
            async with self._opening:
                await self._close_retired()
                if self._channel is None or self._channel.is_closed:
                    self._channel = await self._link.channel()
                    self._opened_at = time.monotonic()
        return await underlay(self._channel)

    def _retire(self) -> None:
        """Have the next publish open a channel; what is under way on this one still gets its answer."""
        now = time.monotonic()
        if self._channel is not None and now - self._opened_at >= RENEW_AFTER:
            self._retired.append((now, self._channel))
            self._channel = None

    async def _close_retired(self) -> None:
        """Close the channels on which nothing can be under way any more."""
        while self._retired and time.monotonic() - self._retired[0][0] > self._timeout:
            await _close(self._retired.popleft()[1])


async def _close(channel: AbstractChannel) -> None:
    if not channel.is_closed:
        with contextlib.suppress(*CONNECTION_EXCEPTIONS, Disconnected), cancelled_by_us_alone():
            await channel.close()


async def _send(channel: Channel, queue: str, body: bytes, headers: Headers | None) -> None:
    """Send one message and wait for its confirm.

    Below aio-pika's exchange, because that holds the channel until the socket has drained: with 32
    callers this costs 50 µs a message instead of 71.
    """
    properties = Basic.Properties(
        delivery_mode=2, content_type="application/msgpack", headers=dict(headers) if headers else None
    )
    try:
        with cancelled_by_us_alone():
            await channel.basic_publish(
                body, routing_key=queue, properties=properties, mandatory=True, wait=False
            )
    except PublishError as error:
        raise Unroutable(f"no queue {queue}") from error
    except DeliveryError as error:
        raise Refused(f"queue {queue} takes no more") from error
    except (*CONNECTION_EXCEPTIONS, Disconnected) as error:
        raise Unconfirmed(f"connection lost: {error}") from error


def encode_batches(codec: Codec[T], items: Sequence[T]) -> list[bytes]:
    """Return the messages that carry these items in order, none with too many or too large."""
    batches: list[bytes] = []
    for start in range(0, len(items), MAX_ITEMS):
        _encode_into(batches, codec, items[start : start + MAX_ITEMS])
    return batches


def _encode_into(batches: list[bytes], codec: Codec[T], items: Sequence[T]) -> None:
    payload = codec.encode(items)
    if len(payload) <= MAX_MESSAGE_BYTES or len(items) == 1:
        batches.append(payload)
        return
    half = len(items) // 2
    _encode_into(batches, codec, items[:half])
    _encode_into(batches, codec, items[half:])
