"""The front's connections to the services: answers come back as bytes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

import httptools

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy.local.front_client import Visit
    from deploy.local.front_request import Request

KEEP: Final = 30.0
"""Seconds that an unused connection to a service is kept; services keep theirs for longer."""


class Upstream(asyncio.Protocol):
    """A connection to a service, used by one request after the other.

    Args:
        keep: Is handed this one when it is free again.
    """

    def __init__(self, keep: Callable[[Upstream], None]) -> None:
        self._keep = keep
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._visit: Visit | None = None
        self._request: Request | None = None
        self._begun = self._answered = self._tunnel = self._keeps = False
        self._free_since = self._loop.time()

    def usable(self, now: float) -> bool:
        """Tell whether it is open and was in use lately."""
        open_still = self._transport is not None and not self._transport.is_closing()
        return open_still and now - self._free_since < KEEP

    def close(self) -> None:
        """Close it."""
        self._visit = None
        if self._transport is not None:
            self._transport.close()

    def pass_on(self, visit: Visit, request: Request) -> None:
        """Take a request over: what has come of it, and then what still comes."""
        self._visit, self._request = visit, request
        self._begun = self._answered = self._tunnel = self._keeps = False
        self._parser = httptools.HttpResponseParser(self)
        self.write(request.goes_to(self))

    def write(self, piece: bytes) -> None:
        """Send bytes of the request."""
        if self._transport is not None and piece:
            self._transport.write(piece)

    def pace(self, *, rest: bool) -> None:
        """Read no more answer for now, or read on."""
        if self._transport is not None and not self._transport.is_closing():
            (self._transport.pause_reading if rest else self._transport.resume_reading)()

    def settle(self) -> None:
        """Be free again once the request is through and its answer, too.

        Where the service closes instead, the client is closed when it does: until then the rest of a refused
        body is read away there.
        """
        visit, request = self._visit, self._request
        done = self._answered and self._keeps and request is not None and request.complete
        if not done or visit is None:
            return
        self._visit = self._request = self._parser = None
        self._free_since = self._loop.time()
        self.pace(rest=False)
        self._keep(self)
        visit.answered()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits."""
        del exc
        self._transport = None
        visit, self._visit = self._visit, None
        if visit is not None:
            visit.lost(begun=self._begun)

    def data_received(self, data: bytes) -> None:
        """Hand an answer on as it is, and see where it ends."""
        if self._visit is None or self._parser is None:
            self.close()
            return
        self._begun = True
        self._visit.write(data)
        if self._tunnel:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._tunnel = True
        except httptools.HttpParserError:
            visit, self._visit = self._visit, None
            self.close()
            visit.lost(begun=True)
            return
        self.settle()

    def pause_writing(self) -> None:
        """Take no more of a request that the service does not read."""
        if self._visit is not None:
            self._visit.pace(rest=True)

    def resume_writing(self) -> None:
        """Take more."""
        if self._visit is not None:
            self._visit.pace(rest=False)

    def on_headers_complete(self) -> None:
        """See whether this is the answer, not a word on the way to it, and whether a body follows."""
        if self._parser is not None and self._parser.get_status_code() >= 200:  # noqa: PLR2004 - HTTP's
            # The parser knows it at this moment alone.
            self._keeps = self._parser.should_keep_alive()
            self._answered = self._request is not None and self._request.method == b"HEAD"

    def on_message_complete(self) -> None:
        """See that the answer has ended."""
        self._answered = self._answered or self._keeps
