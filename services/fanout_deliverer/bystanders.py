"""Who else is about: authors who send something and have nothing in bulk themselves."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

ABOUT = 10.0
"""Seconds for which whoever has sent something is taken to come again."""

AUTHORS = 4096
"""Authors that are remembered of each kind; whoever sent nothing for longest is forgotten."""


class Bystanders:
    """Tells the bulk whether it is in anybody's way; an author is not in their own.

    Args:
        clock: Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sending: OrderedDict[int, float] = OrderedDict()
        self._in_bulk: OrderedDict[int, float] = OrderedDict()
        self.about = False
        """Whether there are any, as of the last look."""

    def send(self, authors: Iterable[int]) -> None:
        """Note who sends something that is not bulk."""
        self._note(self._sending, authors)

    def send_in_bulk(self, authors: Iterable[int]) -> None:
        """Note whose bulk is sent."""
        self._note(self._in_bulk, authors)

    def look(self) -> None:
        """Bring `about` up to date."""
        for known in (self._sending, self._in_bulk):
            self._forget(known)
        self.about = any(author not in self._in_bulk for author in self._sending)

    def _note(self, known: OrderedDict[int, float], authors: Iterable[int]) -> None:
        now = self._clock()
        for author in authors:
            known[author] = now
            known.move_to_end(author)
        while len(known) > AUTHORS:
            known.popitem(last=False)

    def _forget(self, known: OrderedDict[int, float]) -> None:
        before = self._clock() - ABOUT
        while known and next(iter(known.values())) < before:
            known.popitem(last=False)
