"""Sends signed requests over kept connections, at times that were fixed before (open loop).

A lean protocol instead of a client library: a client request through aiohttp costs 80 to 120 µs, this one
about 10, and the generator shares its machine with what it measures.
"""

import asyncio
import ssl
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import cast

from msgspec import Struct

from services.load_generator.signing import SignedRequest

_HEAD_END = b"\r\n\r\n"
MAX_ANSWER = 64 * 1024
"""Bytes. A longer answer than this ends the connection."""


class Sent(Struct, frozen=True):
    """What came of one request: seconds from its scheduled time to its answer; status 0 is no answer."""

    activity_id: str
    status: int
    scheduled: float
    seconds: float
    late: float


class _Connection(asyncio.Protocol):
    """One kept connection with one request in flight."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._waiter: asyncio.Future[int] | None = None
        self._transport: asyncio.Transport | None = None

    @property
    def open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._transport = None
        self._settle(0)

    def request(self, wire: bytes) -> asyncio.Future[int]:
        if self._transport is None:
            raise ConnectionError("the connection is closed")
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(wire)
        return self._waiter

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(_HEAD_END)
        if head_end < 0:
            if len(self._buffer) > MAX_ANSWER:
                self.close()
            return
        head = bytes(self._buffer[:head_end])
        whole = head_end + len(_HEAD_END) + _length_of(head)
        if whole > MAX_ANSWER:
            self.close()
        elif len(self._buffer) >= whole:
            del self._buffer[:whole]
            self._settle(int(head[9:12]))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        self._settle(0)

    def _settle(self, status: int) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(status)


def _length_of(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


class Sender:
    """Sends requests over at most `connections` connections to one address.

    Args:
        host: Address of the target.
        port: Its port.
        connections: How many requests may be in flight.
        timeout: Seconds until a request without an answer counts as status 0.
        tls: Speak TLS.
        tls_name: The name that the target's certificate must bear.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        connections: int,
        timeout: float = 30.0,
        tls: ssl.SSLContext | None = None,
        tls_name: str = "",
    ) -> None:
        self._host, self._port = host, port
        self._tls, self._tls_name = tls, tls_name or None
        self._limit = connections
        self._timeout = timeout
        self._idle: deque[_Connection] = deque()
        self._slots = asyncio.Semaphore(connections)

    async def send(self, request: SignedRequest, scheduled: float) -> Sent:
        """Send one request now and report how it went; `scheduled` is on the monotonic clock."""
        async with self._slots:
            late = time.monotonic() - scheduled
            status = await self._exchange(request.wire)
        return Sent(request.activity_id, status, scheduled, time.monotonic() - scheduled, late)

    async def _exchange(self, wire: bytes) -> int:
        try:
            async with asyncio.timeout(self._timeout):
                connection = await self._connection()
                status = await connection.request(wire)
        except (OSError, TimeoutError):
            return 0
        if connection.open:
            self._idle.append(connection)
        return status

    async def _connection(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.open:
                return connection
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            _Connection,
            self._host,
            self._port,
            ssl=self._tls,
            server_hostname=self._tls_name if self._tls else None,
        )
        return connection

    async def close(self) -> None:
        """Close the kept connections."""
        while self._idle:
            self._idle.pop().close()


async def closed_loop(sender: Sender, requests: Sequence[SignedRequest], workers: int) -> list[Sent]:
    """Send everything as fast as the target answers, `workers` at a time."""
    queue: Iterator[SignedRequest] = iter(requests)
    done: list[Sent] = []

    async def work() -> None:
        done.extend([await sender.send(request, time.monotonic()) for request in queue])

    await asyncio.gather(*(work() for _ in range(workers)))
    return done


async def open_loop(sender: Sender, requests: Sequence[SignedRequest], times: Sequence[float]) -> list[Sent]:
    """Send each request at its time, in seconds from now, whatever became of those before it."""
    start = time.monotonic()
    tasks: list[asyncio.Task[Sent]] = []
    for request, offset in zip(requests, times, strict=True):
        pause = start + offset - time.monotonic()
        if pause > 0:
            await asyncio.sleep(pause)
        tasks.append(asyncio.create_task(sender.send(request, start + offset)))
    return list(await asyncio.gather(*tasks))


def statuses(sent: Sequence[Sent]) -> Counter[int]:
    """Count the answers by status."""
    return Counter(one.status for one in sent)
