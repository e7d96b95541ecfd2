"""Publishing that lets what arrives within two milliseconds travel in one message."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import structlog
from msgspec import Struct

from shared.protocol.errors import Unavailable
from shared.protocol.messages import MAX_ITEMS, Codec, Message
from shared.queue.publisher import Publisher

log = structlog.get_logger(__name__)

T = TypeVar("T", bound=Message)

WINDOW = 0.002
MAX_WAITING = 2048


class Overloaded(Unavailable):
    """More items wait for their confirm than this process should hold; nothing was sent."""

    reason = "overloaded"


Done = Callable[[BaseException | None], None]
"""Is told once: nothing after the confirm, else why there is none."""


def _nobody_counts(items: int) -> None:
    del items


class _Waiting(Struct, Generic[T]):
    item: T
    done: Done


class GatheringPublisher(Generic[T]):
    """Publishes single items, several in a message while they come in quickly.

    A lone item leaves at once. While a message is on its way, further items gather for a moment, or until
    a message is full.

    Args:
        publisher: Sends the messages.
        queue: Where to.
        codec: Writes them.
        window: Seconds that an item waits at most for others.
        max_waiting: Items that may be without their confirm at a time.
        confirmed: Is told with each confirm how many items it is for, before they are.
    """

    def __init__(
        self,
        publisher: Publisher,
        queue: str,
        codec: Codec[T],
        *,
        window: float = WINDOW,
        max_waiting: int = MAX_WAITING,
        confirmed: Callable[[int], None] = _nobody_counts,
    ) -> None:
        self._publisher = publisher
        self._queue = queue
        self._codec = codec
        self._window = window
        self._max_waiting = max_waiting
        self._confirmed = confirmed
        self._gathered: list[_Waiting[T]] = []
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None
        self._sends: set[asyncio.Task[None]] = set()
        self._waiting = 0

    async def publish(self, item: T) -> None:
        """Put one item on the queue and return after its confirm.

        Raises as `Publisher.publish` does, or Overloaded. An item whose caller is cancelled is sent anyway.
        """
        confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(error: BaseException | None) -> None:
            if confirmed.done():
                return
            if error is None:
                confirmed.set_result(None)
            elif isinstance(error, asyncio.CancelledError):
                confirmed.cancel()
            else:
                confirmed.set_exception(error)

        self.submit(item, done)
        await confirmed

    def submit(self, item: T, done: Done) -> None:
        """Put one item on the queue and return at once; `done` is called later. Raises Overloaded."""
        if self._waiting >= self._max_waiting:
            raise Overloaded
        self._waiting += 1
        self._gathered.append(_Waiting(item, done))
        if len(self._gathered) >= MAX_ITEMS:
            self._send()
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            # At rest the next turn of the loop: requests that came in the same one still travel together.
            self._timer = (
                loop.call_later(self._window, self._send) if self._sends else loop.call_soon(self._send)
            )

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch, self._gathered = self._gathered, []
        task = asyncio.create_task(self._publish(batch))
        self._sends.add(task)
        task.add_done_callback(self._sends.discard)

    async def _publish(self, batch: Sequence[_Waiting[T]]) -> None:
        error: BaseException | None = None
        try:
            await self._publisher.publish(self._queue, self._codec, [waiting.item for waiting in batch])
        except BaseException as failure:  # noqa: BLE001 - it belongs to those who wait
            error = failure
        self._waiting -= len(batch)
        if error is None:
            self._confirmed(len(batch))
        for waiting in batch:
            try:
                waiting.done(error)
            except Exception:
                # One that cannot be told must not keep the others waiting.
                log.exception("confirm_not_told", queue=self._queue)
