"""Slots of one host: how many requests it is sent at once, and who goes next."""

import asyncio
from collections import deque

from services.fanout_deliverer.granted import granted

SLOTS = 4
"""Requests in flight to one host: enough for a large server far away, harmless for a small one."""

BULK_SLOTS = 2
"""How many of them the bulk may take, so that there is always one for what is not bulk."""

SLOW_SLOTS = 1
"""Requests in flight to a slow host: it would only collect them."""


class Slots:
    """The slots of one host; whoever may take more of them goes first, else whoever waits longest."""

    __slots__ = ("_busy", "_waiting", "allowed")

    def __init__(self) -> None:
        self.allowed = SLOTS
        self._busy = 0
        self._waiting: dict[int, deque[asyncio.Future[None]]] = {}

    def try_acquire(self, most: int) -> bool:
        """Take a slot if fewer than `most` are taken and nobody waits; give it back with `release`."""
        if self._busy >= most or self._busy >= self.allowed or self._waiting.get(most):
            return False
        self._busy += 1
        return True

    async def acquire(self, most: int) -> None:
        """Take a slot once fewer than `most` are taken."""
        if self.try_acquire(most):
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(most, deque()).append(turn)
        await granted(turn, self.release)

    def release(self) -> None:
        """Give a slot back."""
        self._busy -= 1
        if self._waiting:
            self._admit()

    def _admit(self) -> None:
        for most in sorted(self._waiting, reverse=True):
            waiting = self._waiting[most]
            while waiting and (waiting[0].done() or self._busy < min(most, self.allowed)):
                turn = waiting.popleft()
                if not turn.done():
                    self._busy += 1
                    turn.set_result(None)
