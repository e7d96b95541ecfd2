"""The life of a consumer on one channel: it receives, works, acknowledges, and gives back what is left."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import structlog
from aio_pika.exceptions import CONNECTION_EXCEPTIONS
from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel

from shared.protocol.errors import Malformed
from shared.protocol.messages import Message
from shared.queue.batches import Backlog, Delivered
from shared.queue.connection import CONNECT_TIMEOUT
from shared.queue.handling import GiveBack, Handling
from shared.queue.topology import QUEUES
from shared.telemetry import metrics

log = structlog.get_logger(__name__)

T = TypeVar("T", bound=Message)

WIDEN_AFTER = 60.0
"""Seconds until a prefetch that was lowered is doubled again."""


class Prefetch:
    """How many messages the broker sends ahead: fewer for a while where they have turned out to be large.

    It is the broker's to count, and it counts messages, whatever their size; a consumer has the one that it
    began with, so another takes another consumer.

    Args:
        most: As long as messages are small.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.now = most

    def narrow(self, held: int) -> None:
        """Ask for half of those that had room."""
        self.now = max(1, held // 2)

    async def may_widen(self) -> bool:
        """Ask for more, up to the most, once this has gone well for a while; at the most, never return."""
        if self.now >= self._most:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(WIDEN_AFTER)
        self.now = min(self.now * 2, self._most)
        return True


class Session(Generic[T]):
    """The life of a consumer on one channel.

    Args:
        channel: Of its own.
        backlog: Holds what has come.
        handling: Gets a batch done.
        workers: Batches in work at once.
        arrived: Is called for each message, as soon as it is there.
    """

    def __init__(
        self,
        channel: Channel,
        backlog: Backlog[T],
        handling: Handling[T],
        workers: int,
        arrived: Callable[[], None],
    ) -> None:
        self._channel = channel
        self._backlog = backlog
        self._handling = handling
        self._workers = workers
        self._arrived = arrived
        self._cancelled = asyncio.Event()
        self._queue = ""
        self._tag = ""
        self._in_order = False

    async def begin(self, queue: str, prefetch: int) -> None:
        """Ask the broker for messages."""
        self._queue, spec = queue, QUEUES.get(queue)
        self._in_order = spec is not None and spec.single_consumer
        self._channel.on_consumer_cancel_callbacks.add(self._on_cancel)
        await self._channel.basic_qos(prefetch_count=prefetch)
        consuming = await self._channel.basic_consume(queue, self._on_message)
        self._tag = consuming.consumer_tag or ""

    async def run(self, stopping: asyncio.Event, prefetch: Prefetch) -> None:
        """Work until told to stop, until channel or consumer are gone, or until another prefetch is due.

        Then what is in work is settled, and the rest goes back.
        """
        closing, full = self._channel.closing, self._backlog.full
        events = (stopping.wait(), self._cancelled.wait(), full.wait(), prefetch.may_widen())
        ends = [asyncio.create_task(event) for event in events]
        workers = [asyncio.create_task(self._work()) for _ in range(self._workers)]
        try:
            await asyncio.wait((closing, *ends, *workers), return_when=asyncio.FIRST_COMPLETED)
            if full.is_set():
                prefetch.narrow(self._backlog.messages)
                log.warning(
                    "consumer_full", queue=self._queue, bytes=self._backlog.bytes, prefetch=prefetch.now
                )
            # Whoever waits for a queue with a single consumer is served as soon as that one is cancelled,
            # before what it holds has gone back: there it ends with its channel, which is one step.
            if not self._in_order and not closing.done() and not self._cancelled.is_set():
                await self._channel.basic_cancel(self._tag, timeout=CONNECT_TIMEOUT)
        finally:
            for observer in (closing, *ends):
                observer.cancel()
            # What is in work ends by itself: its effect counts, even if it can no longer be acknowledged.
            self._backlog.close(self._workers)
            results = await asyncio.gather(*workers, return_exceptions=True)
        # The rest goes back as the channel is closed, which keeps its order. A nack would not: RabbitMQ 3.10
        # returns more than 32 messages in any order, and a Delete came before its Create.
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _work(self) -> None:
        while batch := await self._backlog.next_batch():
            try:
                await self._finish(batch)
            except GiveBack:
                return

    async def _finish(self, batch: Sequence[Delivered[T]]) -> None:
        for message in batch:
            if not message.items:
                await self._handling.give_up(message.body, Malformed(message.trouble), self._backlog.closed)
        items = [item for message in batch for item in message.items]
        if items:
            await self._handling.finish(items, self._backlog.closed)
        self._backlog.settled(batch)
        if self._workers == 1:
            await self._acknowledge(batch[-1].tag, everything_before=True)
            return
        for message in batch:
            await self._acknowledge(message.tag, everything_before=False)

    async def _acknowledge(self, tag: int, *, everything_before: bool) -> None:
        # On a channel that is gone the broker delivers it again, and the handler bears that.
        with contextlib.suppress(*CONNECTION_EXCEPTIONS):
            await self._channel.basic_ack(tag, multiple=everything_before, wait=False)

    async def _on_message(self, message: DeliveredMessage) -> None:
        self._arrived()
        if message.redelivered:
            metrics.redelivered.labels(self._queue).inc()
        self._backlog.add(message)

    def _on_cancel(self, _frame: object) -> None:
        self._cancelled.set()
