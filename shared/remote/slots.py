"""Bounds that keep one host from taking everything: slots per host, and which hosts stay connected."""

import asyncio
import time
from collections import OrderedDict, deque


class HostSlots:
    """At most so many exchanges with one host at once; hosts that are idle cost nothing.

    Args:
        per_host: Exchanges with one host.
    """

    def __init__(self, per_host: int) -> None:
        self._per_host = per_host
        self._busy: dict[str, int] = {}
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    def try_acquire(self, host: str) -> bool:
        """Take a slot of this host if one is free now; give it back with `release`."""
        busy = self._busy.get(host, 0)
        if busy >= self._per_host:
            return False
        self._busy[host] = busy + 1
        return True

    async def acquire(self, host: str) -> None:
        """Wait for a slot of this host; give it back with `release`."""
        if self.try_acquire(host):
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(host, deque())
        waiting.append(mine)
        try:
            await mine
        except BaseException:
            if mine.done() and not mine.cancelled():
                self.release(host)
            else:
                self._forget(host, mine)
            raise

    def release(self, host: str) -> None:
        """Give a slot back, to whoever waits longest."""
        waiting = self._waiting.get(host, ())
        for next_one in waiting:
            if not next_one.done():
                self._forget(host, next_one)
                next_one.set_result(None)
                return
        if self._busy[host] == 1:
            del self._busy[host]
        else:
            self._busy[host] -= 1

    def _forget(self, host: str, waiter: asyncio.Future[None]) -> None:
        waiting = self._waiting[host]
        waiting.remove(waiter)
        if not waiting:
            del self._waiting[host]

    def __len__(self) -> int:
        return len(self._busy)


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
