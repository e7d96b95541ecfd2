"""Turns of the event loop: how much of one kind of work is done before it looks at its sockets again."""

import asyncio
from collections import deque


class Turns:
    """Lets so many pass in one turn of the loop, and the others in the next ones, in order.

    Work that costs the processor more than the network, such as signing, would else be done for all who wait
    before a single answer is read: the last of them wait long, and answers seem to take long to come.

    Args:
        at_once: How many pass in one turn.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._passed = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Return in this turn, or in a later one."""
        if not self._passed:
            asyncio.get_running_loop().call_soon(self._next)
        self._passed += 1
        if self._passed > self._at_once:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn

    def _next(self) -> None:
        self._passed = 0
        while self._waiting and self._passed < self._at_once:
            turn = self._waiting.popleft()
            if not turn.done():
                self._passed += 1
                turn.set_result(None)
        if self._passed:
            asyncio.get_running_loop().call_soon(self._next)
