"""How much of the processor the bulk takes while others are about: a share, so that they hardly notice it."""

import time
from collections.abc import Callable

SHARE = 0.25
"""Of one processor, for what this process does of the bulk."""

PLANNED = 0.05
"""Of one processor, for planning: about as much as is sent meanwhile, and more would only wait longer."""

LONGEST_REST = 1.0
"""Seconds between two pages of a plan at most."""

_FIRST = 0.001
"""Seconds of processor that a request is taken to cost before any has been seen."""

_LEAST = 0.0001
"""Seconds of processor that a request is taken to cost at least: a clock may be too coarse to see it."""

_KEPT = 0.95
"""How much of what was seen before counts at the next look."""

_SAVED = 0.04
"""Seconds for which a share can be saved up: what follows a look that came late is no burst."""


class Restraint:
    """Requests that the bulk may begin, by what they have been seen to cost.

    Args:
        processor: Seconds of processor that this process has had.
    """

    def __init__(self, processor: Callable[[], float] = time.process_time) -> None:
        self._processor = processor
        self._had = processor()
        self._spent, self._count = _FIRST, 1.0
        self._begun = 0
        self._left = 0.0

    @property
    def cost(self) -> float:
        """Seconds of processor that a request of the bulk costs, all that belongs to it included."""
        return max(_LEAST, self._spent / self._count)

    @property
    def allows(self) -> bool:
        """Whether one more may begin."""
        return self._left >= 1

    def begin(self) -> None:
        """Note that one has begun."""
        self._begun += 1
        self._left = max(0.0, self._left - 1)

    def look(self, seconds: float, *, alone: bool) -> None:
        """Let as many begin as the share is enough for.

        Args:
            seconds: Since the last look.
            alone: Whether nothing but the bulk was under way since then: what was spent went into it.
        """
        had, self._had = self._had, self._processor()
        if alone and self._begun:
            self._spent = _KEPT * self._spent + self._had - had
            self._count = _KEPT * self._count + self._begun
        self._begun = 0
        self._left = min(self._left + SHARE * seconds / self.cost, max(1.0, SHARE * _SAVED / self.cost))


def rest(work: float, *, others_about: bool) -> float:
    """Return the seconds of rest that are due after so many seconds of planning for the bulk.

    Half of the time is others', or all but a small share while they are about; never long in one go.
    """
    return min(work * ((1 - PLANNED) / PLANNED if others_about else 1.0), LONGEST_REST)
