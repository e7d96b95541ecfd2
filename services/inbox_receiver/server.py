"""The HTTP server of the inboxes, with bounds on what a connection may cost."""

import asyncio
from typing import Final

from services.inbox_receiver.body import Bodies
from services.inbox_receiver.connection import Connection
from services.inbox_receiver.exchange import Inbox
from shared.runtime.http import DRAIN_TIMEOUT
from shared.runtime.listening import Listener, listen

IDLE: Final = 75.0
"""Seconds without a complete request head after which a connection is closed; proxies keep theirs for 60."""

MAX_CONNECTIONS: Final = 4096


class InboxServer:
    """Serves an inbox; a connection beyond the bound is closed as soon as it is made.

    A framework's server would cost more than all else that is done for an activity here.

    Args:
        inbox: Answers the requests.
        bodies: Bounds their bodies.
        idle: Seconds without a complete request head after which a connection is closed.
        max_connections: Connections at a time.
    """

    def __init__(
        self,
        inbox: Inbox,
        bodies: Bodies | None = None,
        *,
        idle: float = IDLE,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self.inbox = inbox
        self.bodies = bodies or Bodies()
        self.idle = idle
        self._max_connections = max_connections
        self._connections: set[Connection] = set()
        self._listening: Listener | None = None
        self._empty = asyncio.Event()

    async def start(self, host: str, port: int, *, share: bool = False) -> tuple[str, int]:
        """Listen, and return where; raises OSError.

        Args:
            host: An address or a name.
            port: 0 for any that is free.
            share: Let sibling processes listen on the same port.
        """
        loop = asyncio.get_running_loop()
        self._listening = await listen(lambda: Connection(self, loop), host, port, share=share)
        return self._listening.address

    async def stop(self, timeout: float = DRAIN_TIMEOUT) -> None:  # noqa: ASYNC109 - a drain has one
        """Take no more, answer what has begun within these seconds, and close."""
        if self._listening is not None:
            await self._listening.close()
        # What has arrived with the last turn of the loop is still read.
        await asyncio.sleep(0)
        for connection in tuple(self._connections):
            connection.stop()
        if self._connections:
            self._empty.clear()
            try:
                async with asyncio.timeout(timeout):
                    await self._empty.wait()
            except TimeoutError:
                for connection in tuple(self._connections):
                    connection.abort()

    def enter(self, connection: Connection) -> bool:
        """Count a connection, or say that there is no room for it."""
        if len(self._connections) >= self._max_connections:
            return False
        self._connections.add(connection)
        return True

    def leave(self, connection: Connection) -> None:
        """Learn that a connection is gone."""
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()
