"""Bounds that keep one host from taking everything: slots per host, and which hosts stay connected."""

import asyncio
import time
from collections import OrderedDict


class _Host:
    __slots__ = ("semaphore", "users")

    def __init__(self, slots: int) -> None:
        self.semaphore = asyncio.Semaphore(slots)
        self.users = 0


class HostSlots:
    """At most so many exchanges with one host at once; hosts that are idle cost nothing.

    Args:
        per_host: Exchanges with one host.
    """

    def __init__(self, per_host: int) -> None:
        self._per_host = per_host
        self._hosts: dict[str, _Host] = {}

    async def acquire(self, host: str) -> None:
        """Wait for a slot of this host; give it back with `release`."""
        entry = self._hosts.get(host)
        if entry is None:
            entry = self._hosts[host] = _Host(self._per_host)
        entry.users += 1
        try:
            await entry.semaphore.acquire()
        except BaseException:
            self._leave(host, entry)
            raise

    def release(self, host: str) -> None:
        """Give a slot back."""
        entry = self._hosts[host]
        entry.semaphore.release()
        self._leave(host, entry)

    def _leave(self, host: str, entry: _Host) -> None:
        entry.users -= 1
        if not entry.users:
            del self._hosts[host]

    def __len__(self) -> int:
        return len(self._hosts)


class WarmHosts:
    """Picks the hosts whose connections stay open after an exchange.

    The first to come keep their place while they are used; the rest are closed after each exchange, so
    that a burst to very many hosts neither exhausts the file descriptors nor evicts the busy ones.

    Args:
        size: How many hosts.
        keep_alive: Seconds after which an idle connection closes, and its place is free.
    """

    def __init__(self, size: int, keep_alive: float) -> None:
        self._size = size
        self._keep_alive = keep_alive
        self._used: OrderedDict[str, float] = OrderedDict()

    def admit(self, host: str) -> bool:
        """Tell whether the connection of this exchange may be kept."""
        now = time.monotonic()
        if host not in self._used:
            while self._used and next(iter(self._used.values())) + self._keep_alive < now:
                self._used.popitem(last=False)
            if len(self._used) >= self._size:
                return False
        self._used[host] = now
        self._used.move_to_end(host)
        return True
