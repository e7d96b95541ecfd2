"""The one port of a local site: `POST …/inbox` to the inbox-receiver, the rest to the platform-gateway.

`python -m deploy.local.front HOST:PORT RECEIVER-URL GATEWAY-URL`. Deployments use a real reverse proxy; this
one is lean, because a framework's server and client together cost three times what the receiver does with a
request, and what waits there is late before it has arrived.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import uvloop

from deploy.local.front_client import Visit
from deploy.local.front_service import Upstream
from shared.runtime.listening import Listener, listen

_CONNECT_WITHIN: Final = 5.0
_MOST_IDLE: Final = 256
_STOP_WITHIN: Final = 3.0


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a service listens."""

    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Place:
        """Read `http://host:port`."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or not parts.port:
            raise ValueError(f"not http://host:port: {url}")
        return cls(host=parts.hostname, port=parts.port)

    def __str__(self) -> str:
        return f"http://{self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Upstreams:
    """Where the two kinds of request go."""

    receiver: Place
    gateway: Place

    def of(self, method: bytes, path: bytes) -> Place:
        """Choose for one request; `path` is without its query."""
        return self.receiver if method == b"POST" and path.endswith(b"/inbox") else self.gateway


class Front:
    """Accepts clients, and keeps connections to the services for their requests.

    Args:
        upstreams: The services.
    """

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams
        self._idle: dict[Place, deque[Upstream]] = {}
        self._visits: set[Visit] = set()
        self._listening: Listener | None = None
        self._empty = asyncio.Event()

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen, and return where; raises OSError."""
        self._listening = await listen(lambda: Visit(self), host, port)
        return self._listening.address

    async def stop(self) -> None:
        """Take no more, give what is under way a moment, and close."""
        if self._listening is not None:
            await self._listening.close()
        for visit in tuple(self._visits):
            visit.stop()
        if self._visits:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STOP_WITHIN):
                    await self._empty.wait()
        for visit in tuple(self._visits):
            visit.abort()
        for kept in self._idle.values():
            while kept:
                kept.pop().close()

    def enter(self, visit: Visit) -> None:
        """Learn of a client."""
        self._visits.add(visit)
        self._empty.clear()

    def leave(self, visit: Visit) -> None:
        """Learn that a client is gone."""
        self._visits.discard(visit)
        if not self._visits:
            self._empty.set()

    def at_once(self, method: bytes, target: bytes) -> Upstream | None:
        """Return a kept connection to the service that answers this, if there is one."""
        kept = self._idle.get(self._upstreams.of(method, target.partition(b"?")[0]), ())
        now = asyncio.get_running_loop().time()
        while kept:
            upstream = kept.pop()
            if upstream.usable(now):
                return upstream
            upstream.close()
        return None

    async def connect(self, method: bytes, target: bytes) -> Upstream:
        """Return a new connection to the service that answers this; raises OSError, TimeoutError."""
        place = self._upstreams.of(method, target.partition(b"?")[0])
        async with asyncio.timeout(_CONNECT_WITHIN):
            _, upstream = await asyncio.get_running_loop().create_connection(
                lambda: Upstream(lambda one: self._keep(place, one)), place.host, place.port
            )
        return upstream

    def down(self, method: bytes, target: bytes) -> bytes:
        """Return the answer while that service does not answer: a 502 with a reason."""
        place = self._upstreams.of(method, target.partition(b"?")[0])
        body = json.dumps(
            {
                "error": "Bad gateway",
                "error_description": f"The service at {place} does not answer; it may be starting.",
            }
        ).encode()
        return (
            b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: application/json; charset=utf-8\r\nRetry-After: 1\r\n"
            b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body)
        )

    def _keep(self, place: Place, upstream: Upstream) -> None:
        kept = self._idle.setdefault(place, deque())
        if len(kept) >= _MOST_IDLE:
            kept.popleft().close()
        kept.append(upstream)


async def serve(upstreams: Upstreams, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; raises OSError where the address is taken."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    front = Front(upstreams)
    await front.start(host, port)
    await stopping.wait()
    await front.stop()


def main(arguments: Sequence[str]) -> None:
    """Serve what the command line says."""
    listen, receiver, gateway = arguments
    host, _, port = listen.rpartition(":")
    upstreams = Upstreams(receiver=Place.of(receiver), gateway=Place.of(gateway))
    uvloop.run(serve(upstreams, host, int(port)))


if __name__ == "__main__":
    main(sys.argv[1:])
