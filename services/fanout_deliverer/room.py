"""A bound on what is in hand, first come first served."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.fanout_deliverer.granted import granted


class Room:
    """Lets in as much as fits; whoever comes later never overtakes.

    Args:
        capacity: How much. A single larger piece is let in when nothing else is.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._used = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def take(self, amount: int) -> AsyncIterator["Share"]:
        """Wait until this much fits and keep it inside the `async with`, or give it back bit by bit."""
        await self._enter(amount)
        share = Share(self, amount)
        try:
            yield share
        finally:
            share.give_back(share.amount)

    def leave(self, amount: int) -> None:
        """Give back what was taken."""
        self._used -= amount
        self._admit()

    async def _enter(self, amount: int) -> None:
        if not self._waiting and self._fits(amount):
            self._used += amount
            return
        admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((amount, admitted))
        await granted(admitted, lambda: self.leave(amount))

    def _fits(self, amount: int) -> bool:
        return self._used == 0 or self._used + amount <= self._capacity

    def _admit(self) -> None:
        while self._waiting and (self._waiting[0][1].done() or self._fits(self._waiting[0][0])):
            amount, admitted = self._waiting.popleft()
            if not admitted.done():
                self._used += amount
                admitted.set_result(None)


class Share:
    """What somebody has taken of a room.

    Args:
        room: Whose.
        amount: How much.
    """

    def __init__(self, room: Room, amount: int) -> None:
        self._room = room
        self.amount = amount

    def give_back(self, amount: int = 1) -> None:
        """Give some of it back before the rest."""
        self.amount -= amount
        self._room.leave(amount)
