"""The HTTP server of the inboxes, with bounds on what a connection may cost."""

import asyncio
from typing import Final

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from services.inbox_receiver.receiver import Receiver
from shared.runtime.http import DRAIN_TIMEOUT

IDLE: Final = 75.0
"""Seconds without a complete request head after which a connection is closed; proxies keep theirs for 60."""

MAX_CONNECTIONS: Final = 4096
LINGER: Final = 3.0
"""Seconds in which the rest of a refused body is read away, so that its sender gets to see the answer."""


class BoundedServer(web.Server):
    """Closes a connection beyond the bound as soon as it is made."""

    def __init__(
        self, receiver: Receiver, *, idle: float = IDLE, max_connections: int = MAX_CONNECTIONS
    ) -> None:
        super().__init__(
            receiver.answer,
            access_log=None,
            keepalive_timeout=idle,
            lingering_time=LINGER,
            auto_decompress=False,
        )
        self._max_connections = max_connections

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Count a new connection, or turn it away."""
        if len(self.connections) >= self._max_connections:
            transport.abort()
        super().connection_made(handler, transport)


def runner_of(server: web.Server) -> web.ServerRunner:
    """Return what `serve` runs."""
    return web.ServerRunner(server, handle_signals=False, shutdown_timeout=DRAIN_TIMEOUT)
