"""Telling every gateway at once what has just changed: best effort, bounded, never in the way of work.

A listener has a queue of its own that goes with its connection. What is told while it is away is lost to
it; people find it in their timelines all the same.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import CONNECTION_EXCEPTIONS
from aiormq.exceptions import AMQPError

from shared.protocol.errors import Malformed, Unavailable
from shared.protocol.live import Live, decode, encode, together
from shared.queue import topology
from shared.queue.connection import Broker, Link, cancelled_by_us_alone, underlay
from shared.telemetry import metrics

log = structlog.get_logger(__name__)

MOST_WAITING = 1000
"""Changes that wait for the broker at most; those that come then are dropped."""

MOST_TOGETHER = 16
TIMEOUT = 5.0
PREFETCH = 16
MOST_QUEUED = 10_000
"""Messages that a slow listener may have waiting; beyond them the oldest are dropped."""

_PAUSE = 1.0
_TROUBLE = (*CONNECTION_EXCEPTIONS, AMQPError, Unavailable, TimeoutError)


class LivePublisher:
    """Tells what has changed. `tell` never waits and never fails.

    Args:
        broker: Where to.
        most_waiting: Changes held for the broker at most.
    """

    def __init__(self, broker: Broker, *, most_waiting: int = MOST_WAITING) -> None:
        self._link = broker.publishing
        self._most = most_waiting
        self._waiting: list[Live] = []
        self._wake = asyncio.Event()
        self._channel: AbstractChannel | None = None

    def tell(self, live: Live) -> None:
        """Have this told soon, or never."""
        if not live:
            return
        if len(self._waiting) >= self._most:
            metrics.live_dropped.inc()
            return
        self._waiting.append(live)
        self._wake.set()

    @property
    def waiting(self) -> int:
        """How many changes wait for the broker."""
        return len(self._waiting)

    async def run(self, stopping: asyncio.Event) -> None:
        """Tell until we are to stop; what comes while the broker confirms goes out together."""
        stop = asyncio.create_task(stopping.wait())
        while not stopping.is_set():
            wake = asyncio.create_task(self._wake.wait())
            await asyncio.wait((wake, stop), return_when=asyncio.FIRST_COMPLETED)
            wake.cancel()
            self._wake.clear()
            while waiting := self._waiting[:MOST_TOGETHER]:
                del self._waiting[:MOST_TOGETHER]
                await self._publish(waiting)
        stop.cancel()

    async def _publish(self, waiting: list[Live]) -> None:
        try:
            with cancelled_by_us_alone():
                await self._send(waiting)
        except _TROUBLE as error:
            metrics.live_dropped.inc(len(waiting))
            log.debug("live_not_told", error=str(error), changes=len(waiting))
            await asyncio.sleep(_PAUSE)

    async def _send(self, waiting: list[Live]) -> None:
        async with asyncio.timeout(TIMEOUT):
            if self._channel is None or self._channel.is_closed:
                self._channel = await self._link.channel()
            below = await underlay(self._channel)
            body = encode(together(waiting))
            await below.basic_publish(body, exchange=topology.LIVE_EXCHANGE, routing_key="live")


class LiveListener:
    """Hears what is told, one message after the other, for as long as it runs.

    Args:
        url: The broker.
        name: Who listens; shown in the broker's management.
        handle: Is given each change; what it raises is logged and otherwise ignored.
    """

    def __init__(self, url: str, name: str, handle: Callable[[Live], Awaitable[None]]) -> None:
        self._link = Link(url, f"{name} listening")
        self._handle = handle
        self.listening = asyncio.Event()
        """Set while the broker knows us: what is told from then on is heard."""

    async def run(self, stopping: asyncio.Event) -> None:
        """Listen until we are to stop, coming back after any loss."""
        self._link.start()
        stop = asyncio.create_task(stopping.wait())
        try:
            while not stopping.is_set():
                try:
                    up = asyncio.create_task(self._link.wait_until_up())
                    await asyncio.wait((up, stop), return_when=asyncio.FIRST_COMPLETED)
                    up.cancel()
                    if not stopping.is_set():
                        with cancelled_by_us_alone():
                            await self._session(stop)
                except _TROUBLE as error:
                    log.debug("live_listener_waits", error=str(error))
                self.listening.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), _PAUSE)
        finally:
            stop.cancel()
            await self._link.close()

    async def _session(self, stop: "asyncio.Task[bool]") -> None:
        channel = await self._link.channel()
        await channel.set_qos(prefetch_count=PREFETCH)
        await topology.declare(channel, ())
        queue = await channel.declare_queue(
            exclusive=True, auto_delete=True, arguments={"x-max-length": MOST_QUEUED}
        )
        await queue.bind(topology.LIVE_EXCHANGE, routing_key="#")
        arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        await queue.consume(arrived.put)
        below = await underlay(channel)
        worker = asyncio.create_task(self._work(arrived))
        self.listening.set()
        try:
            await asyncio.wait((below.closing, stop, worker), return_when=asyncio.FIRST_COMPLETED)
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

    async def _work(self, arrived: "asyncio.Queue[AbstractIncomingMessage]") -> None:
        while True:
            message = await arrived.get()
            try:
                await self._handle(decode(message.body))
            except (Malformed, Unavailable) as error:
                log.warning("live_message_lost", error=str(error))
            except Exception:
                log.exception("live_message_failed")
            await message.ack()
