"""What becomes of a batch: handled, held while something is away, split, or given up item by item."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Generic, TypeVar

import structlog

from shared.protocol.errors import Rejected, Unavailable
from shared.protocol.messages import Codec, Message
from shared.queue.age import Age
from shared.queue.publisher import Publisher
from shared.queue.topology import dead_queue
from shared.telemetry import metrics
from shared.telemetry.logging import bound

log = structlog.get_logger(__name__)

T = TypeVar("T", bound=Message)
Handle = Callable[[Sequence[T]], Awaitable[None]]

REASON_HEADER = "x-heddle-reason"
DETAIL_HEADER = "x-heddle-detail"
TRACE_HEADER = "x-heddle-trace"
DIED_AT_HEADER = "x-heddle-died-at"

_MAX_DETAIL = 500
_FIRST_HOLD = 0.1
_LONGEST_HOLD = 2.0
_RETRY_PAUSE = 0.2


class GiveBack(Exception):
    """We are to stop, or the channel is gone: what is not done goes back to the queue."""


class HandlerTimeout(Exception):
    """The handler was still busy at its deadline."""


class Handling(Generic[T]):
    """Gets a batch of items done, whatever it takes.

    Args:
        queue: Where the items came from.
        codec: Writes an item that is given up.
        handle: Does the work for all items at once; returns after the effect is safe.
        publisher: For what is given up.
        deadline: Seconds that one call of `handle` may take.
        attempts: How often an item alone may fail for an unknown reason.
        name: What the figures call it, where it is not the queue itself that the items came from.
    """

    def __init__(
        self,
        queue: str,
        codec: Codec[T],
        handle: Handle[T],
        publisher: Publisher,
        *,
        deadline: float,
        attempts: int,
        name: str = "",
    ) -> None:
        self._dead_queue = dead_queue(queue)
        self._queue = name or queue
        self.age = Age(self._queue)
        self._codec = codec
        self._handle = handle
        self._publisher = publisher
        self._deadline = deadline
        self._attempts = attempts

    async def finish(self, items: Sequence[T], give_back: asyncio.Event) -> None:
        """Return when each item is handled or on the dead-letter queue.

        Raises GiveBack when the event came first while something was away.
        """
        begun = time.monotonic()
        metrics.batch_items.labels(self._queue).observe(len(items))
        with self.age.of(items):
            await self._finish(items, give_back)
        metrics.batch_seconds.labels(self._queue).observe(time.monotonic() - begun)

    async def _finish(self, items: Sequence[T], give_back: asyncio.Event) -> None:
        try:
            await self._patiently(lambda: self._call(items), give_back)
        except GiveBack:
            raise
        except Exception as error:  # noqa: BLE001 - the one catch-all: what fails is tried alone
            if len(items) > 1:
                log.warning("batch_split", queue=self._queue, items=len(items), error=_describe(error))
            for item in items:
                with bound(trace=item.trace):
                    await self._alone(item, give_back, error if len(items) == 1 else None)

    async def give_up(
        self, payload: bytes, error: Exception, give_back: asyncio.Event, trace: str = ""
    ) -> None:
        """Put one encoded message on the dead-letter queue with its reason; returns after the confirm."""
        reason = _reason_of(error)
        detail = _describe(error)[:_MAX_DETAIL]
        headers = {
            REASON_HEADER: reason,
            DETAIL_HEADER: detail,
            TRACE_HEADER: trace,
            DIED_AT_HEADER: datetime.now(UTC).isoformat(timespec="seconds"),
        }
        letter = [(self._dead_queue, payload)]
        await self._patiently(lambda: self._publisher.publish_many(letter, headers=headers), give_back)
        metrics.dead_letters.labels(self._queue, reason).inc()
        unexpected = None if isinstance(error, Rejected) else error
        log.error("dead_letter", queue=self._queue, reason=reason, detail=detail, exc_info=unexpected)

    async def _alone(self, item: T, give_back: asyncio.Event, error: Exception | None) -> None:
        """Handle one item; an error says how its first attempt has failed already."""
        failures = 0
        while True:
            if error is not None:
                failures += 1
                if isinstance(error, Rejected) or failures >= self._attempts:
                    await self.give_up(self._codec.encode([item]), error, give_back, item.trace)
                    return
                await _pause(_RETRY_PAUSE * failures, give_back)
            try:
                await self._patiently(lambda: self._call([item]), give_back)
            except GiveBack:
                raise
            except Exception as failure:  # noqa: BLE001 - the one catch-all, for an item
                error = failure
            else:
                return

    async def _call(self, items: Sequence[T]) -> None:
        deadline = asyncio.timeout(self._deadline)
        try:
            async with deadline:
                await self._handle(items)
        except TimeoutError as error:
            if deadline.expired():
                raise HandlerTimeout(f"not done after {self._deadline:g} s") from error
            raise

    async def _patiently(self, work: Callable[[], Awaitable[None]], give_back: asyncio.Event) -> None:
        """Do the work; as long as something is away, hold it and try again."""
        pause = _FIRST_HOLD
        while True:
            try:
                return await work()
            except (Unavailable, ConnectionError) as error:
                reason = _reason_of(error)
                metrics.batches_held.labels(self._queue, reason).inc()
                log.warning(
                    "batch_held", queue=self._queue, reason=reason, detail=_describe(error), retry_in=pause
                )
            await _pause(pause * random.uniform(0.8, 1.2), give_back)
            pause = min(pause * 2, _LONGEST_HOLD)


async def _pause(seconds: float, give_back: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(seconds):
            await give_back.wait()
    except TimeoutError:
        return
    raise GiveBack


def _reason_of(error: Exception) -> str:
    match error:
        case Rejected() | Unavailable():
            return error.reason
        case HandlerTimeout():
            return "handler_timeout"
        case ConnectionError():
            return "connection_lost"
    return "handler_failed"


def _describe(error: Exception) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
