"""The connections that deliveries go over: opened to checked addresses only, kept for a while, bounded."""

import asyncio
import contextlib
import errno
import socket
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohappyeyeballs

from shared.remote.connector import Guard, checked_socket
from shared.remote.errors import ConnectFailed, OutOfSockets, TimedOut, TlsFailed
from shared.remote.http1 import Connection
from shared.remote.slots import WarmHosts
from shared.remote.tls import tls_context
from shared.remote.urls import Destination

MAX_AGE = 600.0
"""Seconds after which a connection is not used again, however busy: names move to other addresses."""

CONNECT_TIMEOUT = 5.0
"""Seconds for TCP and TLS, whatever the deadline."""

_ATTEMPT_DELAY = 0.25
"""Seconds before the next address is tried beside the one that does not answer (RFC 8305 section 5)."""


class Connections:
    """Opens connections, and keeps some of them for the next delivery.

    Args:
        guard: Who says which addresses may be connected to.
        most: How many stay open between deliveries, and for how many hosts.
        keep_alive: Seconds that an idle one stays open.
    """

    def __init__(self, guard: Guard, *, most: int, keep_alive: float) -> None:
        self._guard = guard
        self._most = most
        self._keep_alive = keep_alive
        self._warm = WarmHosts(most, keep_alive)
        self._idle: dict[str, list[Connection]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @asynccontextmanager
    async def sweeping(self) -> AsyncIterator[None]:
        """Close what has been idle for too long inside the `async with`, and everything at its end."""
        sweeper = asyncio.create_task(self._sweep(), name="idle connections")
        try:
            yield
        finally:
            sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sweeper
            self._close_idle(before=float("inf"))

    def admit(self, to: Destination) -> bool:
        """Tell whether a connection to this host may be kept after the next exchange."""
        return self._warm.admit(to.authority)

    def take(self, to: Destination) -> Connection | None:
        """Return a kept connection, which then belongs to the caller; None where there is none."""
        kept = self._idle.get(to.origin)
        youngest = time.monotonic() - MAX_AGE
        while kept:
            connection = kept.pop()
            self._count -= 1
            if not kept:
                del self._idle[to.origin]
            if connection.reusable and connection.born > youngest:
                return connection
            connection.close()
        return None

    def give_back(self, to: Destination, connection: Connection) -> None:
        """Keep a connection for the next delivery, where it can be used again and there is room."""
        if not connection.reusable or self._count >= self._most:
            connection.close()
            return
        connection.idle_since = time.monotonic()
        self._idle.setdefault(to.origin, []).append(connection)
        self._count += 1

    def remember(self, to: Destination, connection: Connection) -> None:
        """Keep the TLS session of a connection, so that the next one to this host is cheaper."""
        tls = connection.tls()
        if tls is not None:
            tls_context().sessions.keep(to.host, tls)

    async def open(self, to: Destination, until: float) -> Connection:
        """Return a new connection.

        Args:
            to: Where it leads.
            until: When it fails, by the event loop's clock.

        Raises:
            Rejected: It must not be connected to.
            RemoteUnavailable: It cannot be connected to.
            OutOfSockets: This process cannot connect to anything more.
        """
        try:
            async with asyncio.timeout_at(until):
                addresses = await self._guard.check(to.url)
                async with asyncio.timeout(CONNECT_TIMEOUT):
                    return await self._connect(to, addresses)
        except TimeoutError:
            raise TimedOut(f"{to.authority}: no connection in time") from None
        except (ssl.SSLError, ssl.CertificateError) as error:
            raise TlsFailed(f"{to.authority}: {error}"[:300]) from error
        except OSError as error:
            if error.errno in {errno.EMFILE, errno.ENFILE}:
                raise OutOfSockets(str(error)) from error
            raise ConnectFailed(f"{to.authority}: {error}"[:300]) from error

    async def _connect(self, to: Destination, addresses: Sequence[str]) -> Connection:
        opened = await aiohappyeyeballs.start_connection(
            [_info(address, to.port) for address in addresses],
            happy_eyeballs_delay=_ATTEMPT_DELAY,
            interleave=1,
            socket_factory=checked_socket(self._guard.policy),
        )
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(to.authority),
                sock=opened,
                ssl=tls_context() if to.secure else None,
                server_hostname=to.host if to.secure else None,
            )
        except BaseException:
            opened.close()
            raise
        return connection

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._keep_alive / 4)
            self._close_idle(before=time.monotonic() - self._keep_alive)

    def _close_idle(self, *, before: float) -> None:
        for origin, kept in list(self._idle.items()):
            left = [one for one in kept if one.reusable and one.idle_since > before]
            for connection in set(kept).difference(left):
                connection.close()
            self._count -= len(kept) - len(left)
            if left:
                self._idle[origin] = left
            else:
                del self._idle[origin]


def _info(
    address: str, port: int
) -> tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int] | tuple[str, int, int, int]]:
    if ":" in address:
        return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port)
