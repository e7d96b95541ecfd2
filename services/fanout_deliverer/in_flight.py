"""How many requests are under way at once: those that keep us waiting do not count for long.

Waiting for an answer costs a socket and nothing else. If slots were held until the answer came, a few hundred
hosts that hang would hold all of them, and the healthy ones would wait behind.
"""

import asyncio
from types import TracebackType
from typing import Self

from services.fanout_deliverer.pace import Pace

LAGGING_AFTER = 1.0
"""Seconds in flight after which a request gives its slot to another."""

LAGGARDS = 2048
"""Requests that may be in flight without a slot: each of them holds a socket."""


class InFlight:
    """Slots for requests; use it with `async with`, once in a task at a time.

    Args:
        slots: Requests at once that are quick, or have just begun; or what tells how many that are.
        laggards: Requests at once that have given up their slot.
        after: Seconds after which they do.
    """

    def __init__(self, slots: int | Pace, *, laggards: int = LAGGARDS, after: float = LAGGING_AFTER) -> None:
        self._slots = asyncio.Semaphore(slots) if isinstance(slots, int) else slots
        self._room = laggards
        self._after = after
        self._timers: dict[asyncio.Task[object] | None, asyncio.TimerHandle] = {}

    async def __aenter__(self) -> Self:
        await self._slots.acquire()
        task = asyncio.current_task()
        self._timers[task] = asyncio.get_running_loop().call_later(self._after, self._lag, task)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        timer = self._timers.pop(asyncio.current_task(), None)
        if timer is None:
            self._room += 1
            return
        timer.cancel()
        self._slots.release()

    def _lag(self, task: asyncio.Task[object] | None) -> None:
        if self._room > 0:
            self._room -= 1
            del self._timers[task]
            self._slots.release()
