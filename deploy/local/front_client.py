"""The front's clients: heads are read and written anew, bodies go through as bytes."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol, cast

import httptools

from deploy.local.front_request import MAX_HEAD, Head, Request, rewritten

if TYPE_CHECKING:
    from deploy.local.front_service import Upstream

IDLE: Final = 75.0
"""Seconds without a request after which a client's connection is closed."""

_LINGER: Final = 5.0
_MOST_WAITING: Final = 4
_BROKEN: Final = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)


class House(Protocol):
    """What all clients share."""

    def enter(self, visit: Visit) -> None:
        """Learn of a client."""

    def leave(self, visit: Visit) -> None:
        """Learn that a client is gone."""

    def at_once(self, method: bytes, target: bytes) -> Upstream | None:
        """Return a kept connection to the service that answers this, if there is one."""

    async def connect(self, method: bytes, target: bytes) -> Upstream:
        """Return a new connection to it; raises OSError, TimeoutError."""

    def down(self, method: bytes, target: bytes) -> bytes:
        """Return the answer while it does not answer."""


class Visit(asyncio.Protocol):
    """A client's connection.

    Args:
        house: What it shares with the others.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._loop = asyncio.get_running_loop()
        self._peer = b""
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._head = Head()
        self._waiting: deque[Request] = deque()
        """Requests in their order; the first one is under way."""
        self._reading: Request | None = None
        self._upstream: Upstream | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._since = self._loop.time()
        self._unread = 0
        self._last = False
        self._resting = self._upstream_rests = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]).encode() if isinstance(peer, tuple) else b""
        self._house.enter(self)
        self._look_whether_idle()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything; nobody waits for the answer any more."""
        del exc
        self._house.leave(self)
        if self._idle is not None:
            self._idle.cancel()
        if self._connecting is not None:
            self._connecting.cancel()
        if self._upstream is not None:
            self._upstream.close()
        self._transport = self._upstream = self._reading = None
        self._waiting.clear()
        del self._parser

    def stop(self) -> None:
        """Close when what is under way is answered."""
        self._last = True
        if not self._waiting:
            self._close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._reading is not None and self._reading.tunnel:
            self._reading.take(data)
            return
        self._unread += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self._reading is not None:
                self._reading.tunnel = True
                self._reading.take(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(_BROKEN)
        else:
            if self._unread > MAX_HEAD:
                self._refuse(_TOO_LARGE)

    def pause_writing(self) -> None:
        """Have no more answer read than the client takes."""
        if self._upstream is not None:
            self._upstream.pace(rest=True)

    def resume_writing(self) -> None:
        """Have it read on."""
        if self._upstream is not None:
            self._upstream.pace(rest=False)

    def write(self, data: bytes) -> None:
        """Send bytes of an answer."""
        if self._transport is not None:
            self._transport.write(data)

    def answered(self) -> None:
        """Go on with the next request."""
        request = self._waiting.popleft()
        self._upstream = None
        self._since = self._loop.time()
        if not request.keeps or request.tunnel or (self._last and not self._waiting):
            self._close()
        elif self._waiting:
            self._begin()
        self._pace()

    def lost(self, *, begun: bool) -> None:
        """Learn that the service has closed the connection; what has not been answered will not be."""
        self._upstream = None
        if not begun and self._waiting:
            self.write(self._house.down(self._waiting[0].method, self._waiting[0].target))
        self._close()

    def pace(self, *, rest: bool) -> None:
        """Read no more of the request, for the service does not, or read on."""
        self._upstream_rests = rest
        self._pace()

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._head = Head()

    def on_url(self, piece: bytes) -> None:
        """Take in a part of the target."""
        self._head.target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take in a header; those behind a body are let go."""
        if not self._head.done:
            self._head.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Pass a head on."""
        if self._last:
            return
        self._unread = 0
        self._reading = request = rewritten(self._head, self._parser, self._peer)
        self._head = Head(done=True)
        self._waiting.append(request)
        if len(self._waiting) == 1:
            self._begin()
        self._pace()

    def on_body(self, piece: bytes) -> None:
        """Pass bytes of the body on."""
        self._unread = 0
        if self._reading is not None:
            self._reading.take_body(piece)

    def on_message_complete(self) -> None:
        """See that a request is complete."""
        self._unread = 0
        request = self._reading
        if request is None:
            return
        request.end()
        if self._upstream is not None and self._waiting[0] is request:
            self._upstream.settle()

    def _begin(self) -> None:
        request = self._waiting[0]
        upstream = self._house.at_once(request.method, request.target)
        if upstream is not None:
            self._pass_on(upstream, request)
        else:
            self._connecting = asyncio.create_task(self._connect(request))

    async def _connect(self, request: Request) -> None:
        try:
            upstream = await self._house.connect(request.method, request.target)
        except (OSError, TimeoutError):
            self.lost(begun=False)
        else:
            self._pass_on(upstream, request)
        finally:
            self._connecting = None
            self._pace()

    def _pass_on(self, upstream: Upstream, request: Request) -> None:
        if self._transport is None:
            upstream.close()
            return
        self._upstream = upstream
        upstream.pass_on(self, request)

    def _pace(self) -> None:
        """Read as long as there is somewhere to put it."""
        rest = self._connecting is not None or self._upstream_rests or len(self._waiting) > _MOST_WAITING
        if self._transport is None or self._transport.is_closing() or rest == self._resting:
            return
        self._resting = rest
        (self._transport.pause_reading if rest else self._transport.resume_reading)()

    def _refuse(self, answer: bytes) -> None:
        self._last = True
        if not self._waiting:
            self.write(answer)
        self._close()

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _look_whether_idle(self) -> None:
        left = IDLE if self._waiting else self._since + IDLE - self._loop.time()
        if left <= 0:
            self._close()
            left = _LINGER
        self._idle = self._loop.call_later(left, self._look_whether_idle)
