"""How many requests are under way at once: those that keep us waiting do not count for long.

Waiting for an answer costs a socket and nothing else. If slots were held until the answer came, a few hundred
hosts that hang would hold all of them, and the healthy ones would wait behind.
"""

import asyncio
import time
from collections import OrderedDict

from services.fanout_deliverer.permits import Permits

LAGGING_AFTER = 1.0
"""Seconds in flight after which a request gives its slot to another."""

LAGGARDS = 2048
"""Requests that may be in flight without a slot: each of them holds a socket."""


class Stay:
    """One request in flight, and when it has kept us waiting for too long."""

    __slots__ = ("lags_at",)

    def __init__(self, lags_at: float) -> None:
        self.lags_at = lags_at


class InFlight:
    """Slots for requests; whoever enters must leave.

    Args:
        slots: Who has one: requests that are quick, or have just begun.
        laggards: Requests at once that have given up their slot.
        after: Seconds after which they do.
    """

    def __init__(self, slots: Permits, *, laggards: int = LAGGARDS, after: float = LAGGING_AFTER) -> None:
        self._slots = slots
        self._room = laggards
        self._after = after
        # All have the same time, so the eldest is the next whose time is up: one timer does for all.
        self._stays: OrderedDict[Stay, None] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    async def enter(self) -> Stay:
        """Return once there is a slot; `leave` with what is returned."""
        if not self._slots.try_acquire():
            await self._slots.acquire()
        stay = Stay(time.monotonic() + self._after)
        self._stays[stay] = None
        if self._timer is None:
            self._wait(self._after)
        return stay

    def leave(self, stay: Stay) -> None:
        """Give back what this one has."""
        if stay in self._stays:
            del self._stays[stay]
            self._slots.release()
        else:
            self._room += 1

    def _wait(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        """Take the slots of those whose time is up, as far as there is room for them without one."""
        self._timer = None
        while self._stays:
            eldest = next(iter(self._stays))
            if (left := eldest.lags_at - time.monotonic()) > 0:
                self._wait(left)
                return
            if self._room == 0:
                self._wait(self._after)
                return
            del self._stays[eldest]
            self._room -= 1
            self._slots.release()
