"""A budget of fetches per registrable domain: names are free to who owns the domain, our sockets are not.

Bounds per host are no bounds for somebody with a wildcard in their DNS, and whatever leads from one document
to the next could be led round in circles.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

from msgspec import Struct
from publicsuffixlist import PublicSuffixList

from shared.remote.errors import BudgetSpent
from shared.remote.urls import is_address

MAX_DOMAINS = 16_384


class Budget(Struct, frozen=True, kw_only=True):
    """What one domain may cost.

    Args:
        per_second: Fetches that may go on for ever: more than the largest servers give cause for.
        burst: Fetches at once after a pause.
        at_once: Fetches under way, waiting ones included.
    """

    per_second: float = 50.0
    burst: float = 1000.0
    at_once: int = 96


class _Domain:
    __slots__ = ("at", "level", "under_way")

    def __init__(self, level: float, at: float) -> None:
        self.level = level
        self.at = at
        self.under_way = 0


class DomainBudgets:
    """Counts fetches by registrable domain; the domains that were idle longest are forgotten first.

    Args:
        budget: What one domain may cost.
        size: How many domains are remembered.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        budget: Budget,
        *,
        size: int = MAX_DOMAINS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._budget = budget
        self._size = size
        self._clock = clock
        self._domains: OrderedDict[str, _Domain] = OrderedDict()

    @contextmanager
    def spend(self, host: str) -> Iterator[None]:
        """Count one fetch from a canonical host for the length of the block; raises BudgetSpent."""
        name = registrable_domain(host)
        domain = self._filled(name)
        if domain.level < 1.0 or domain.under_way >= self._budget.at_once:
            raise BudgetSpent(name)
        domain.level -= 1.0
        domain.under_way += 1
        try:
            yield
        finally:
            domain.under_way -= 1

    def _filled(self, name: str) -> _Domain:
        now, budget = self._clock(), self._budget
        domain = self._domains.get(name)
        if domain is None:
            domain = self._domains[name] = _Domain(budget.burst, now)
            if len(self._domains) > self._size:
                self._domains.popitem(last=False)
        else:
            self._domains.move_to_end(name)
            domain.level = min(budget.burst, domain.level + (now - domain.at) * budget.per_second)
            domain.at = now
        return domain

    def __len__(self) -> int:
        return len(self._domains)


@lru_cache(maxsize=1)
def public_suffixes() -> PublicSuffixList:
    """Return the list of public suffixes; reading it takes 0.2 s, once."""
    return PublicSuffixList()


@lru_cache(maxsize=16_384)
def registrable_domain(host: str) -> str:
    """Return what somebody registered to own a canonical host; the host itself where nobody had to.

    Names below `localhost` are nobody's: each stands for itself.
    """
    if is_address(host) or host.endswith(".localhost"):
        return host
    return public_suffixes().privatesuffix(host) or host
