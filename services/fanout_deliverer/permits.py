"""Who may have a request under way: asked without waiting first, for mostly there is no need to."""

import asyncio
from collections import deque
from typing import Protocol

from services.fanout_deliverer.granted import granted


class Permits(Protocol):
    """Something of which there is only so much."""

    def try_acquire(self) -> bool:
        """Take one if it is free now and nobody waits; give it back with `release`."""

    async def acquire(self) -> None:
        """Take one once it is free."""

    def release(self) -> None:
        """Give one back."""


class FixedPermits:
    """As many as there are, first come first served.

    Args:
        count: How many.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: deque[asyncio.Future[None]] = deque()

    def try_acquire(self) -> bool:
        """Take one if it is free now: then nobody waits. Give it back with `release`."""
        if not self._free:
            return False
        self._free -= 1
        return True

    async def acquire(self) -> None:
        """Take one once it is free."""
        if self.try_acquire():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await granted(turn, self.release)

    def release(self) -> None:
        """Give one back, to whoever waits longest."""
        self._free += 1
        while self._waiting and (self._free or self._waiting[0].done()):
            turn = self._waiting.popleft()
            if not turn.done():
                self._free -= 1
                turn.set_result(None)
