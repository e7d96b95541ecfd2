"""A few at a time to each host: whoever finds a host busy for long comes back later."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.remote.errors import RemoteUnavailable

PER_HOST = 8
PATIENCE = 1.0
"""Seconds to wait for a host's slot. A host that answers frees one sooner; one that is down must not keep
the others' slots."""


class HostBusy(RemoteUnavailable):
    """All slots for the host were taken for as long as we wait."""

    reason = "host_busy"


class Gate:
    """Bounds what is under way to one host.

    Args:
        per_host: How much.
        patience: Seconds that the next one waits.
    """

    def __init__(self, *, per_host: int = PER_HOST, patience: float = PATIENCE) -> None:
        self._per_host = per_host
        self._patience = patience
        self._hosts: dict[str, tuple[asyncio.Semaphore, list[None]]] = {}

    @asynccontextmanager
    async def enter(self, host: str) -> AsyncIterator[None]:
        """Take a slot of a host for the `async with`; raises HostBusy."""
        slots, users = self._hosts.setdefault(host, (asyncio.Semaphore(self._per_host), []))
        users.append(None)
        try:
            await self._acquire(slots, host)
            try:
                yield
            finally:
                slots.release()
        finally:
            users.pop()
            if not users:
                del self._hosts[host]

    async def _acquire(self, slots: asyncio.Semaphore, host: str) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await slots.acquire()
        except TimeoutError:
            raise HostBusy(host) from None
