"""The batch consumer: it alone receives, settles, splits and gives up; a handler only does the work."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

import structlog
from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from shared.protocol.errors import Unavailable
from shared.protocol.messages import Codec, Message
from shared.queue import topology
from shared.queue.age import LOOK
from shared.queue.batches import Backlog
from shared.queue.connection import (
    CONNECT_TIMEOUT,
    Broker,
    Disconnected,
    cancelled_by_us_alone,
    underlay,
)
from shared.queue.handling import Handle, Handling
from shared.queue.publisher import Publisher
from shared.queue.session import Prefetch, Session

log = structlog.get_logger(__name__)

T = TypeVar("T", bound=Message)

GATHER_WINDOW = 0.002
MAX_ITEMS = 256
PREFETCH = 128
MAX_BYTES = 32 << 20
DEADLINE = 60.0
ATTEMPTS = 3
MISSING_AFTER = 10.0

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 1.0


def _nothing() -> None:
    """Nobody wants to know."""


class BatchConsumer(Generic[T]):
    """Works a queue, batch after batch, and comes back by itself after any loss.

    `handle(items)` returns: the items are acknowledged. It raises `Unavailable`: the batch is held and
    tried again, for as long as it takes. It raises anything else: the items are tried one by one, so that
    only those that fail alone are given up, to `<queue>.dead` with the reason: at once where they are
    `Rejected`, else after some attempts. A message may come again after a crash, so `handle` must bear
    items it has seen.

    Args:
        broker: Where the queue is.
        queue: Its name.
        codec: Reads its messages.
        handle: Does the work.
        gather: Seconds to wait for a fuller batch while it is busy.
        max_items: Items after which a batch is full.
        prefetch: Messages that the broker sends ahead, as long as they are small.
        max_bytes: Of message bodies held at once. The broker counts messages only; so where they turn out to
            be larger than that, they go back to it, and for a while it sends fewer ahead.
        concurrency: Batches in work at once; more than one gives the order up.
        deadline: Seconds that one call of `handle` may take.
        attempts: How often an item alone may fail for an unknown reason.
        missing_after: Seconds without a consumer at the broker after which `check` complains.
        arrived: Is called for each message as it arrives, before it is in a batch.
    """

    def __init__(
        self,
        broker: Broker,
        queue: str,
        codec: Codec[T],
        handle: Handle[T],
        *,
        gather: float = GATHER_WINDOW,
        max_items: int = MAX_ITEMS,
        prefetch: int = PREFETCH,
        max_bytes: int = MAX_BYTES,
        concurrency: int = 1,
        deadline: float = DEADLINE,
        attempts: int = ATTEMPTS,
        missing_after: float = MISSING_AFTER,
        arrived: Callable[[], None] = _nothing,
    ) -> None:
        self.queue = queue
        self._link = broker.consuming
        self._codec = codec
        self._gather = gather
        self._max_items = max_items
        self._prefetch = Prefetch(max(prefetch, concurrency))
        self._max_bytes = max_bytes
        self._concurrency = concurrency
        self._publisher = Publisher(broker)
        self._handling = Handling(queue, codec, handle, self._publisher, deadline=deadline, attempts=attempts)
        self._missing_after = missing_after
        self._arrived = arrived
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._ages: asyncio.Task[None] | None = None
        self._missing_since: float | None = time.monotonic()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def start(self) -> None:
        """Begin to consume; returns at once."""
        self._task = asyncio.create_task(self._run(), name=f"consumer of {self.queue}")
        self._ages = asyncio.create_task(self._look_at_ages(), name=f"ages of {self.queue}")

    async def stop(self) -> None:
        """Take no more messages, finish the batch in hand, give the rest back to the queue."""
        self._stopping.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        if self._ages is not None:
            self._ages.cancel()
        await self._publisher.close()

    def is_consuming(self) -> bool:
        """Tell whether the broker has our consumer right now."""
        return self._missing_since is None

    async def check(self) -> str:
        """Return what is wrong, for readiness, or an empty string."""
        since = self._missing_since
        if since is None or time.monotonic() - since < self._missing_after:
            return ""
        return f"no consumer on {self.queue} for {time.monotonic() - since:.0f} s"

    async def _look_at_ages(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            self._handling.age.look()

    async def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            try:
                if not await self._link_is_up():
                    return
                with cancelled_by_us_alone():
                    await self._session()
                pause = _FIRST_PAUSE
            except (*CONNECTION_EXCEPTIONS, TimeoutError, Unavailable) as error:
                log.debug("consumer_waits", queue=self.queue, error=str(error))
            except Exception:
                log.exception("consumer_failed", queue=self.queue)
            self._missing_since = self._missing_since or time.monotonic()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause * random.uniform(0.8, 1.2)):
                    await self._stopping.wait()
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _link_is_up(self) -> bool:
        """Wait for the connection; False when we are to stop before."""
        up = asyncio.create_task(self._link.wait_until_up())
        stop = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait((up, stop), return_when=asyncio.FIRST_COMPLETED)
            return not self._stopping.is_set()
        finally:
            up.cancel()
            stop.cancel()

    async def _session(self) -> None:
        """Consume on one channel until it is lost or we are to stop."""
        outer = await self._link.channel()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                if self.queue in topology.QUEUES:
                    await topology.declare(outer, [self.queue])
                channel = await underlay(outer)
                session = Session(channel, self._backlog(), self._handling, self._concurrency, self._arrived)
                await session.begin(self.queue, self._prefetch.now)
            log.info("consuming", queue=self.queue, prefetch=self._prefetch.now)
            self._missing_since = None
            await session.run(self._stopping, self._prefetch)
        finally:
            gone = (*CONNECTION_EXCEPTIONS, TimeoutError, Disconnected)
            with contextlib.suppress(*gone), cancelled_by_us_alone():
                async with asyncio.timeout(CONNECT_TIMEOUT):
                    await outer.close()

    def _backlog(self) -> Backlog[T]:
        return Backlog(self._codec, window=self._gather, max_items=self._max_items, max_bytes=self._max_bytes)
