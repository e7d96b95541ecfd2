"""One HTTP/1.1 connection for deliveries: one request at a time, and an answer with an end.

Deliveries are what most requests are, and a general client costs ten times what this does. It does no more
than they need: no redirects, no cookies, no compression, no second request before the first is answered.
"""

import asyncio
import ssl
import time
from typing import cast

import httptools

from shared.remote.errors import AnswerBroken, TimedOut

EXCERPT = 4096
"""Bytes of an answer's body that are kept; what has a longer one is not read on."""

MAX_ANSWER = 65_536
"""Bytes of an answer, with all that comes before its end: heads, interim answers, what frames its chunks."""

MAX_INTERIM = 8
"""Answers of 1xx before the final one."""

_FINAL = 200
_CONTENT_LENGTH, _TRANSFER_ENCODING, _RETRY_AFTER = b"content-length", b"transfer-encoding", b"retry-after"


class NothingCame(AnswerBroken):
    """The connection was closed before a byte of the answer: the request may go out once more."""


class Answer:
    """An answer while it comes in; `status` is 0 until a final head is whole."""

    __slots__ = ("body", "interim", "received", "retry_after", "seconds", "sent_at", "status", "until_end")

    def __init__(self) -> None:
        self.status = 0
        self.retry_after = b""
        self.body = b""
        self.received = 0
        self.interim = 0
        self.until_end = True
        self.sent_at = time.monotonic()
        self.seconds = 0.0


class Connection(asyncio.Protocol):
    """A connection to one host, made by the running event loop.

    Args:
        host: Where it leads, for what is said of it.
    """

    __slots__ = (
        "_answer",
        "_done",
        "_host",
        "_keep",
        "_loop",
        "_parser",
        "_transport",
        "born",
        "exchanges",
        "idle_since",
    )

    def __init__(self, host: str) -> None:
        self._host = host
        # To ask which one runs is a call of the system each time.
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._answer: Answer | None = None
        self._done: asyncio.Future[Answer] | None = None
        self._keep = True
        self.exchanges = 0
        self.born = self.idle_since = time.monotonic()

    @property
    def reusable(self) -> bool:
        """Whether another request may follow: the last answer ended as it said, and nothing came after it."""
        return self._keep and self._done is None and self._transport is not None

    def tls(self) -> ssl.SSLObject | None:
        """Return the TLS side of the connection, if it has one."""
        if self._transport is None:
            return None
        return cast("ssl.SSLObject | None", self._transport.get_extra_info("ssl_object"))

    def close(self) -> None:
        """Close the connection; what is under way fails."""
        self._keep = False
        if self._transport is not None:
            self._transport.abort()

    async def exchange(self, request: bytes, until: float) -> Answer:
        """Send a whole request and return its answer, once the body is whole or longer than is kept.

        Args:
            request: The bytes.
            until: When it fails, by the event loop's clock.

        Raises:
            TimedOut: The moment came first.
            NothingCame: The connection ended before any answer.
            AnswerBroken: It ended within the answer, or what came is not HTTP or has no end.
        """
        if self._transport is None:
            raise NothingCame(f"{self._host}: closed before the request")
        done: asyncio.Future[Answer] = self._loop.create_future()
        self._answer, self._done = Answer(), done
        self.exchanges += 1
        self._loop.call_soon(self._send, self._answer, request)
        timer = self._loop.call_at(until, self._expire)
        try:
            return await done
        finally:
            timer.cancel()
            if self._done is not None:  # given up by whoever waited
                self._answer = self._done = None
                self.close()

    def _send(self, answer: Answer, request: bytes) -> None:
        # In the next turn of the loop, with all that was made ready in this one: to wake whoever is to read
        # costs more than to send, and after the first of many they are awake.
        if self._answer is answer and self._transport is not None:
            answer.sent_at = time.monotonic()
            self._transport.write(request)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to write."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read on in the answer; whatever comes unasked ends the connection."""
        answer = self._answer
        if answer is None:
            self.close()
            return
        if not answer.received:
            answer.seconds = time.monotonic() - answer.sent_at
        answer.received += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._keep = False
            self._fail(AnswerBroken(f"{self._host}: {error}"[:300]))
        if self._done is not None and answer.received > MAX_ANSWER:
            self._fail(AnswerBroken(f"{self._host}: more than {MAX_ANSWER} bytes"))

    def eof_received(self) -> bool:
        """Let the connection close."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """End the answer where the end of the connection is its end; else it is broken."""
        self._transport = None
        self._keep = False
        answer = self._answer
        if answer is None:
            return
        if answer.status and answer.until_end:
            self._succeed()
        elif answer.received:
            self._fail(AnswerBroken(f"{self._host}: {exc or 'closed'} within the answer"[:300]))
        else:
            self._fail(NothingCame(f"{self._host}: {exc or 'closed without an answer'}"[:300]))

    def on_message_begin(self) -> None:
        """Note what comes after the end of an answer: it belongs to nothing that we asked."""
        if self._answer is None:
            self._keep = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Read the few headers that matter."""
        answer, name = self._answer, name.lower()
        if answer is None:
            return
        if name in {_CONTENT_LENGTH, _TRANSFER_ENCODING}:
            answer.until_end = False
        elif name == _RETRY_AFTER:
            answer.retry_after = value

    def on_headers_complete(self) -> None:
        """Take in the status; an interim one says nothing yet."""
        answer = self._answer
        if answer is None:
            return
        status = self._parser.get_status_code()
        if status >= _FINAL:
            answer.status = status
            return
        answer.interim += 1
        answer.until_end, answer.retry_after = True, b""
        if answer.interim > MAX_INTERIM:
            self._fail(AnswerBroken(f"{self._host}: {status} again and again"))

    def on_body(self, body: bytes) -> None:
        """Keep the beginning; a longer body is not read to its end."""
        answer = self._answer
        if answer is None:
            return
        answer.body += body[: EXCERPT - len(answer.body)]
        if len(answer.body) == EXCERPT:
            self._keep = False
            self._succeed()
            self.close()

    def on_message_complete(self) -> None:
        """Hand the answer over, unless it was an interim one."""
        if self._answer is not None and self._answer.status:
            self._keep = self._keep and self._parser.should_keep_alive()
            self._succeed()

    def _succeed(self) -> None:
        answer, done = self._answer, self._done
        self._answer = self._done = None
        if answer is not None and done is not None and not done.done():
            done.set_result(answer)

    def _fail(self, error: Exception) -> None:
        done = self._done
        self._answer = self._done = None
        if done is not None and not done.done():
            done.set_exception(error)
        self.close()

    def _expire(self) -> None:
        self._fail(TimedOut(f"{self._host}: no whole answer in time"))
