"""One connection: requests are handed to the inbox, and answers go back in the order of the requests."""

import asyncio
from collections import deque
from http import HTTPStatus
from typing import Final, cast

import structlog

from services.inbox_receiver.body import Body
from services.inbox_receiver.exchange import Exchange, House
from services.inbox_receiver.form import MAX_BODY
from services.inbox_receiver.messages import CONTINUE, Request, render
from services.inbox_receiver.reading import RequestReader
from services.inbox_receiver.refusal import Refusal
from shared.telemetry.logging import new_trace

log = structlog.get_logger(__name__)

LINGER: Final = 3.0
"""Seconds in which the rest of a refused body is read away, so that its sender gets to see the answer."""

MAX_UNDER_WAY: Final = 16
"""Unanswered requests of one connection, beyond which nothing more is read from it."""

_CLOSE: Final = {"Connection": "close"}


class Connection(asyncio.Protocol):
    """Serves one peer.

    Args:
        house: What it shares with the others.
        loop: Where it lives.
    """

    def __init__(self, house: House, loop: asyncio.AbstractEventLoop) -> None:
        self._house = house
        self._loop = loop
        self._peer = ""
        self._transport: asyncio.Transport | None = None
        self._reader: RequestReader | None = None
        self._under_way: deque[Exchange] = deque()
        self._current: Exchange | None = None
        """The request that is still being read."""
        self._body: Body | None = None
        """Its body; none where it is read away, because the request has been refused."""
        self._read_away = 0
        self._since = loop.time()
        self._idle: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._ended = False
        self._stopping = False
        self._congested = False
        self._resting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or turn away who is one too many."""
        # The loop's own kind of transport is one only in what it can do.
        stream = cast("asyncio.Transport", transport)
        if not self._house.enter(self):
            stream.abort()
            return
        peer = stream.get_extra_info("peername")
        self._peer = str(peer[0]) if isinstance(peer, tuple) else ""
        self._transport = stream
        self._reader = RequestReader(self._peer, self)
        self._idle = self._loop.call_later(self._house.idle, self._look_whether_idle)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything; what is queued already goes its way."""
        del exc
        self._house.leave(self)
        for timer in (self._idle, self._deadline):
            if timer is not None:
                timer.cancel()
        if self._body is not None:
            self._body.drop()
        if self._reader is not None:
            self._reader.close()
        self._transport = self._reader = self._body = self._current = None
        self._under_way.clear()

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._ended or self._reader is None:
            return
        try:
            self._reader.feed(data)
        except Refusal as refused:
            # What comes behind the last request is not even wrong.
            if not self._ended:
                self._end(refused)
        except Exception:
            log.exception("connection_failed", address=self._peer)
            self._drop()
        if self._current is not None and self._deadline is None and not self._ended:
            self._deadline = self._loop.call_later(self._house.bodies.deadline, self._end, self._too_slow())

    def eof_received(self) -> bool:
        """Stay for what has been asked, if anything; nothing more will be."""
        self._ended = True
        if self._current is not None or not self._under_way:
            return False
        self._under_way[-1].last = True
        return True

    def pause_writing(self) -> None:
        """Read no more from who does not read what we answer."""
        self._congested = True
        self._pace()

    def resume_writing(self) -> None:
        """Read on."""
        self._congested = False
        self._pace()

    def stop(self) -> None:
        """Close when everything that has begun is answered."""
        self._stopping = True
        if not self._under_way and self._current is None:
            self._drop()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def head_came(self, request: Request, *, last: bool) -> None:
        """Judge a head before its body is read; raises a Refusal after which the connection ends."""
        self._current = exchange = Exchange(self, request, last=last)
        self._under_way.append(exchange)
        try:
            self._house.inbox.admit(request)
        except Refusal as refused:
            self._refuse(exchange, refused)
            return
        self._body = Body(self._house.bodies)
        expected = request.fields.get("expect")
        asks_first = expected is not None and expected.lower() == "100-continue"
        if asks_first and len(self._under_way) == 1 and self._transport is not None:
            self._transport.write(CONTINUE)

    def piece_came(self, piece: bytes) -> None:
        """Take bytes of a body in, or read them away; raises a Refusal after which the connection ends."""
        if self._body is None:
            self._read_away += len(piece)
            if self._read_away > MAX_BODY:
                raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", "Too large.", _CLOSE)
            return
        try:
            self._body.add(piece)
        except Refusal as refused:
            self._body.drop()
            self._body = None
            if self._current is not None:
                self._refuse(self._current, refused)

    def body_came(self) -> None:
        """Hand a complete request to the inbox."""
        exchange, body = self._current, self._body
        self._current = self._body = None
        self._read_away = 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if exchange is None:
            return
        if body is not None:
            self._house.inbox.receive(exchange.request, body.take(), exchange.reply)
        if exchange.last:
            self._ended = True
        self._pace()

    def send_answers(self) -> None:
        """Write those answers whose turn it is."""
        transport, under_way = self._transport, self._under_way
        if transport is None or transport.is_closing():
            return
        while under_way and (answer := under_way[0].answer) is not None:
            exchange = under_way.popleft()
            last = exchange.last or "Connection" in answer.headers or (self._stopping and not under_way)
            transport.write(render(answer, last=last, bodiless=exchange.request.method == "HEAD"))
            if last:
                self._leave(exchange)
                return
        self._since = self._loop.time()
        if self._resting:
            self._pace()

    def _refuse(self, exchange: Exchange, refused: Refusal) -> None:
        if "Connection" in refused.headers:
            raise refused
        exchange.reply(self._house.inbox.refuse(refused, exchange.request))

    def _end(self, refused: Refusal) -> None:
        """Read no more: refuse what is being read, if it has no answer yet."""
        self._ended = True
        exchange = self._current
        if exchange is None:
            request = Request("", "", (), self._peer, new_trace())
            self._current = exchange = Exchange(self, request, last=True)
            self._under_way.append(exchange)
        if self._body is not None:
            self._body.drop()
            self._body = None
        exchange.last = True
        if exchange.answer is None:
            exchange.reply(self._house.inbox.refuse(refused, exchange.request))
        elif not self._under_way:
            self._leave(exchange)

    def _too_slow(self) -> Refusal:
        detail = f"The body did not arrive within {self._house.bodies.deadline:g} seconds."
        return Refusal(HTTPStatus.REQUEST_TIMEOUT, "body_too_slow", detail, _CLOSE)

    def _leave(self, exchange: Exchange) -> None:
        """Close after the last answer; a peer that is still sending gets to see it first."""
        if exchange is self._current:
            self._ended = True
            self._loop.call_later(LINGER, self._drop)
        else:
            self._drop()

    def _drop(self) -> None:
        transport = self._transport
        if transport is None:
            return
        # What is written is sent before it closes, unless the peer has left it lying for long.
        if self._congested:
            transport.abort()
        else:
            transport.close()

    def _pace(self) -> None:
        """Read as long as there is room for requests and the peer takes the answers."""
        rest = self._congested or len(self._under_way) >= MAX_UNDER_WAY
        if self._transport is None or rest == self._resting:
            return
        self._resting = rest
        if rest:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _look_whether_idle(self) -> None:
        left = self._since + self._house.idle - self._loop.time()
        if self._under_way or self._current is not None:
            left = self._house.idle
        if left <= 0 and self._transport is not None and self._transport.is_closing():
            # Not even the last answer was taken.
            self._transport.abort()
        if left <= 0:
            self._drop()
            left = LINGER
        self._idle = self._loop.call_later(left, self._look_whether_idle)
