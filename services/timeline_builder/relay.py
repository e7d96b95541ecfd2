"""The outbox relay: publishes, in order, what transactions left there, and puts aside what is confirmed."""

import asyncio
import contextlib
import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import structlog

from shared.database import outbox
from shared.database.outbox import OutboxRow
from shared.database.pool import Pool, connect, unavailable_when_down
from shared.protocol.errors import Unavailable
from shared.protocol.messages import MAX_ITEMS, VERSION
from shared.queue.publisher import MAX_MESSAGE_BYTES, Payload, Publisher
from shared.telemetry import metrics

if TYPE_CHECKING:
    import asyncpg

log = structlog.get_logger(__name__)

PAGE = 256
"""Rows published and put aside together."""

POLL = 1.0
"""Seconds until it looks without having been woken: for what was delayed, and for a lost NOTIFY."""

_MEASURE_EVERY = 5.0
_PAUSE = 0.5
_LONGEST_PAUSE = 5.0
_decoder = msgspec.msgpack.Decoder(tuple[int, list[msgspec.Raw]])
_encoder = msgspec.msgpack.Encoder()


def merge(rows: Sequence[OutboxRow]) -> list[Payload]:
    """Return the queue messages for these rows: neighbours for one queue share a message.

    The rows of each queue keep their order.
    """
    messages: list[tuple[str, list[msgspec.Raw]]] = []
    latest: dict[str, tuple[list[msgspec.Raw], int]] = {}
    for row in rows:
        items = _decoder.decode(row.payload)[1]
        batch, size = latest.get(row.queue, ([], 0))
        if not batch or len(batch) + len(items) > MAX_ITEMS or size + len(row.payload) > MAX_MESSAGE_BYTES:
            batch, size = [], 0
            messages.append((row.queue, batch))
        batch.extend(items)
        latest[row.queue] = (batch, size + len(row.payload))
    return [(queue, _encoder.encode((VERSION, items))) for queue, items in messages]


class Relay:
    """Works until told to stop. Several may run: one at a time publishes, so that the order holds.

    Args:
        pool: Where the outbox is.
        publisher: Where its messages go.
        database_url: For a connection of its own that listens.
    """

    def __init__(self, pool: Pool, publisher: Publisher, database_url: str) -> None:
        self._pool = pool
        self._publisher = publisher
        self._url = database_url
        self._woken = asyncio.Event()
        self._measured = -math.inf
        self._listening: asyncpg.Connection[asyncpg.Record] | None = None

    async def run(self, stopping: asyncio.Event) -> None:
        """Relay until the event is set; outages are waited for."""
        stop = asyncio.create_task(stopping.wait())
        pause = _PAUSE
        try:
            while not stopping.is_set():
                try:
                    await self._listen()
                    self._woken.clear()
                    while await self.relay_page() == PAGE and not stopping.is_set():
                        pass
                    await self._measure()
                    pause = _PAUSE
                    await self._wait(stop, POLL)
                except Unavailable as error:
                    log.warning("relay_waits", reason=error.reason, detail=error.detail)
                    await self._rest(stop, pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
        finally:
            stop.cancel()
            if self._listening is not None:
                await self._listening.close()

    async def relay_page(self) -> int:
        """Publish the oldest rows that are due and return how many; 0 where another relay is at work."""
        with unavailable_when_down():
            async with self._pool.acquire() as conn, conn.transaction():
                if not await outbox.become_relay(conn):
                    return 0
                rows = await outbox.due(conn, PAGE)
                if rows:
                    # Only after the confirm; a crash between the two publishes them again.
                    await self._publisher.publish_many(merge(rows))
                    await outbox.note_sent(conn, [row.id for row in rows])
        return len(rows)

    async def _listen(self) -> None:
        if self._listening is None or self._listening.is_closed():
            self._listening = await connect(self._url, application_name="heddle-outbox-listener")
            with unavailable_when_down():
                await self._listening.add_listener(outbox.CHANNEL, self._wake)

    def _wake(self, *_notification: object) -> None:
        self._woken.set()

    async def _measure(self) -> None:
        now = time.monotonic()
        if now - self._measured < _MEASURE_EVERY:
            return
        self._measured = now
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                metrics.outbox_lag.set(await outbox.lag_seconds(conn))

    async def _wait(self, stop: "asyncio.Task[bool]", seconds: float) -> None:
        woken = asyncio.create_task(self._woken.wait())
        await asyncio.wait((woken, stop), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        woken.cancel()

    async def _rest(self, stop: "asyncio.Task[bool]", seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(stop), seconds)
