"""How many requests are under way at once: those that keep us waiting do not count for long.

Waiting for an answer costs a socket and nothing else. If slots were held until the answer came, a few hundred
hosts that hang would hold all of them, and the healthy ones would wait behind.
"""

import asyncio
from collections import OrderedDict
from types import TracebackType
from typing import Self

from services.fanout_deliverer.pace import Pace

LAGGING_AFTER = 1.0
"""Seconds in flight after which a request gives its slot to another."""

LAGGARDS = 2048
"""Requests that may be in flight without a slot: each of them holds a socket."""

_Task = asyncio.Task[object] | None


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
        # All have the same time, so the eldest is the next whose time is up: one timer does for all.
        self._lag_at: OrderedDict[_Task, float] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        await self._slots.acquire()
        loop = asyncio.get_running_loop()
        lag_at = loop.time() + self._after
        self._lag_at[asyncio.current_task(loop)] = lag_at
        if self._timer is None:
            self._timer = loop.call_at(lag_at, self._look)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lag_at.pop(asyncio.current_task(), None) is None:
            self._room += 1
        else:
            self._slots.release()

    def _look(self) -> None:
        """Take the slots of those whose time is up, as far as there is room for them without one."""
        loop = asyncio.get_running_loop()
        self._timer = None
        while self._lag_at:
            eldest, lag_at = next(iter(self._lag_at.items()))
            if lag_at > loop.time():
                self._timer = loop.call_at(lag_at, self._look)
                return
            if self._room == 0:
                self._timer = loop.call_later(self._after, self._look)
                return
            del self._lag_at[eldest]
            self._room -= 1
            self._slots.release()
