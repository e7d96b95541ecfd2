"""Connections to the broker that come back by themselves.

A `Broker` keeps two: the broker stops reading a connection that publishes during an alarm, so one that
acknowledges must be another. aio-pika's robust objects may be garbage-collected and are then not
restored; here a plain connection is watched, and whoever uses a channel opens a new one after a loss.
"""

import asyncio
import contextlib
import random
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

import aio_pika
import aiormq.channel
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import CONNECTION_EXCEPTIONS
from yarl import URL

from shared.protocol.errors import Unavailable
from shared.queue import topology
from shared.queue.nodes import around

log = structlog.get_logger(__name__)

CONNECT_TIMEOUT = 10.0
"""Seconds for TCP, TLS and the handshake together."""

DECLARE_TIMEOUT = 30.0
"""Seconds for the declarations: a broker that is slow after an outage is not helped by who begins anew."""

HEARTBEAT = 10
"""Seconds; a partition is noticed after three of them."""

_NEXT_NODE_PAUSE = 0.05
"""Seconds until the next node of a cluster is asked: the only one that is back is not found last."""

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 1.0
"""Seconds; a broker that comes back may be found this late, and who is refused costs nobody much."""


class Disconnected(Unavailable):
    """There is no connection to the broker right now; nothing was sent."""

    reason = "broker_away"


class Blocked(Unavailable):
    """The broker takes no messages: a memory or disk alarm; nothing was sent."""

    reason = "broker_blocked"


@contextlib.contextmanager
def cancelled_by_us_alone() -> Iterator[None]:
    """Raise Disconnected where a dying connection cancels what is asked over it, though nobody cancelled us.

    The client library does so where it gives a connection up itself, or is told to by the broker.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise Disconnected("connection lost") from error


class Link:
    """One connection, kept up by a task of its own.

    Args:
        url: amqp:// or amqps://, with the vhost as its path; of a cluster several, separated by commas.
        name: Shown in the broker's management.
        queues: Declared after each connect, for a broker may come back empty.
    """

    def __init__(self, url: str, name: str, queues: Sequence[str] = ()) -> None:
        self._nodes = around(url)
        self._name = name
        self._queues = queues
        self._connection: AbstractConnection | None = None
        self._up = asyncio.Event()
        self._lost = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._keeper = asyncio.create_task(self._keep(), name=f"broker link {self._name}")

    async def close(self) -> None:
        """Disconnect and stay so."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self._disconnect()

    async def wait_until_up(self) -> None:
        """Return as soon as there is a connection."""
        await self._up.wait()

    async def channel(self) -> AbstractChannel:
        """Open a channel with confirms; raises Disconnected."""
        if self._connection is None:
            raise Disconnected
        try:
            with cancelled_by_us_alone():
                async with asyncio.timeout(CONNECT_TIMEOUT):
                    channel = self._connection.channel(on_return_raises=True)
                    await channel.initialize()
                    return channel
        except (*CONNECTION_EXCEPTIONS, TimeoutError) as error:
            raise Disconnected(str(error)) from error

    def check(self) -> str:
        """Return what is wrong with the connection, or an empty string."""
        if self._connection is None or not self._up.is_set():
            return "disconnected"
        return "blocked by an alarm of the broker" if self.blocked else ""

    @property
    def blocked(self) -> bool:
        """Whether the broker has told this connection that it takes no messages."""
        transport = self._connection.transport if self._connection else None
        if transport is None:
            return False
        # The client only offers to wait for the end of the alarm: one step tells whether it would.
        waiting = transport.connection.ready()
        try:
            waiting.send(None)
        except StopIteration:
            return False
        waiting.close()
        return True

    async def _keep(self) -> None:
        pause = _FIRST_PAUSE
        # After a loss the next node is asked first: the one that was lost is the least likely to answer.
        for node, closes_round in self._nodes:
            url = _with_heartbeat(node)
            try:
                with cancelled_by_us_alone():
                    await self._connect(url)
            except (*CONNECTION_EXCEPTIONS, TimeoutError, Unavailable) as error:
                retry_in = pause if closes_round else _NEXT_NODE_PAUSE
                log.warning(
                    "broker_unreachable",
                    link=self._name,
                    node=_place(url),
                    error=_describe(error),
                    retry_in=round(retry_in, 1),
                )
                await self._disconnect()
                await asyncio.sleep(retry_in * random.uniform(0.8, 1.2))
                if closes_round:
                    pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            pause = _FIRST_PAUSE
            log.info("broker_connected", link=self._name, node=_place(url))
            await self._lost.wait()
            log.warning("broker_connection_lost", link=self._name, node=_place(url))
            await self._disconnect()

    async def _connect(self, url: URL) -> None:
        self._lost.clear()
        async with asyncio.timeout(CONNECT_TIMEOUT):
            connection = await aio_pika.connect(url, client_properties={"connection_name": self._name})
            self._connection = connection
        connection.close_callbacks.add(self._on_close)
        if self._queues:
            async with asyncio.timeout(DECLARE_TIMEOUT):
                channel = await connection.channel()
                await topology.declare(channel, self._queues)
                await channel.close()
        self._up.set()

    def _on_close(self, _connection: object, _error: object) -> None:
        self._up.clear()
        self._lost.set()

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._up.clear()
        if connection is not None:
            connection.close_callbacks.discard(self._on_close)
            gone = (*CONNECTION_EXCEPTIONS, TimeoutError, Disconnected)
            with contextlib.suppress(*gone), cancelled_by_us_alone():
                async with asyncio.timeout(CONNECT_TIMEOUT):
                    await connection.close()


class Broker:
    """What a service holds: a link for publishing and one for consuming.

    `async with connect(url, name) as broker:` returns at once, whether the broker is there or not.
    """

    def __init__(self, url: str, name: str, queues: Sequence[str] = topology.ALL_QUEUES) -> None:
        self.publishing = Link(url, f"{name} publishing", queues)
        # Declares nothing: each consumer declares the queue that it works, the other link all of them.
        self.consuming = Link(url, f"{name} consuming")

    async def __aenter__(self) -> Self:
        self.publishing.start()
        self.consuming.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.consuming.close()
        await self.publishing.close()

    async def wait_until_up(self, timeout: float = 30.0) -> None:  # noqa: ASYNC109 - the caller's deadline
        """Return when both links are connected and declared; raises TimeoutError after these seconds."""
        async with asyncio.timeout(timeout):
            await self.publishing.wait_until_up()
            await self.consuming.wait_until_up()

    async def check(self) -> str:
        """Return what is wrong, for readiness, or an empty string."""
        return self.publishing.check() or self.consuming.check()


def connect(url: str, name: str, queues: Sequence[str] = topology.ALL_QUEUES) -> Broker:
    """Return a broker to enter with `async with`.

    Args:
        url: amqp:// or amqps://, with the vhost as its path; of a cluster several, separated by commas.
        name: Who connects; shown in the broker's management.
        queues: What is declared after each connect of the publishing link.
    """
    return Broker(url, name, queues)


async def underlay(channel: AbstractChannel) -> aiormq.channel.Channel:
    """Return the channel below aio-pika's, which sends without waiting for the socket to drain.

    Raises Disconnected.
    """
    try:
        with cancelled_by_us_alone():
            below = await channel.get_underlay_channel()
    except CONNECTION_EXCEPTIONS as error:
        raise Disconnected(str(error)) from error
    if not isinstance(below, aiormq.channel.Channel):
        raise TypeError(f"aio-pika over {type(below)}")
    return below


def _with_heartbeat(node: str) -> URL:
    url = URL(node)
    return url if "heartbeat" in url.query else url.update_query(heartbeat=HEARTBEAT)


def _place(url: URL) -> str:
    return f"{url.host}:{url.port}"


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
