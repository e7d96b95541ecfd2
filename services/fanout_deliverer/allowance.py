"""How much of an author goes straight into the queues: what is more than that waits its turn beside them."""

import time
from collections import OrderedDict
from collections.abc import Callable

BURST = 500
"""Deliveries of one author that go into the queues at once."""

PER_SECOND = 50.0
"""Deliveries a second by which an author's allowance grows again."""

SPENT = 0.1
"""The part of a full allowance below which nothing more goes into the queues, however little it is."""

AUTHORS = 10_000
"""Authors that are remembered; whoever did nothing for longest is forgotten, with a full allowance."""


class Allowances:
    """A bucket for each author, in memory: a restart fills them, and that harms nobody for long.

    Args:
        burst: Deliveries that a full one allows.
        per_second: How fast it fills.
        clock: Seconds.
    """

    def __init__(
        self,
        *,
        burst: int = BURST,
        per_second: float = PER_SECOND,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._burst = burst
        self._per_second = per_second
        self._clock = clock
        self._known: OrderedDict[int, tuple[float, float]] = OrderedDict()

    def left(self, author: int) -> int:
        """Return how many deliveries of an author may go into the queues now."""
        amount, at = self._known.get(author, (float(self._burst), self._clock()))
        return int(min(self._burst, amount + (self._clock() - at) * self._per_second))

    def is_spent(self, author: int) -> bool:
        """Tell whether so little is left to an author that whatever comes next waits its turn."""
        return self.left(author) < self._burst * SPENT

    def take(self, author: int, count: int) -> None:
        """Note that so many go into the queues."""
        self._known[author] = (max(self.left(author) - count, 0), self._clock())
        self._known.move_to_end(author)
        if len(self._known) > AUTHORS:
            self._known.popitem(last=False)
