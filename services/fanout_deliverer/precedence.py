"""The right of way: while something else is being planned or sent, the bulk begins next to nothing."""

import asyncio
import math
import time
from collections.abc import Callable

LINGER = 0.03
"""Seconds for which each step has the way: by then the next one has come through database or broker."""

LONGEST = 0.15
"""Seconds in one go; then the bulk has as many, however much else there is."""


class Precedence:
    """Tells the bulk whether something else is under way in this process.

    What only waits for an answer from far away is not: that takes no time of ours.

    Args:
        clock: Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since = self._until = -math.inf

    @property
    def taken(self) -> bool:
        """Whether the bulk should wait."""
        now = self._clock()
        return now < self._until and now < self._since + LONGEST

    def take(self) -> None:
        """Have the bulk wait for a moment from now on: a step of something else begins."""
        now = self._clock()
        if now >= self._until or now >= self._since + 2 * LONGEST:
            self._since = now
        self._until = now + LINGER

    async def give_way(self) -> None:
        """Return once the bulk may go on; after `LONGEST` and one step more at the latest."""
        while self.taken:  # noqa: ASYNC110 - it is over by itself
            await asyncio.sleep(LINGER)
