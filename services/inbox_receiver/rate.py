"""A bound on the requests of one address: a bucket that refills, for a bounded number of addresses."""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache

from msgspec import Struct

from shared.runtime.settings import PeerExemption

PER_SECOND = 200.0
"""Requests a second that one address may sustain: several times what the largest servers send."""

BURST = 2000.0
MAX_ADDRESSES = 20_000


class _Bucket(Struct):
    level: float
    at: float


class RateLimit:
    """Token buckets, one per address; an address that was not seen for long is forgotten.

    Args:
        per_second: Requests that an address may sustain.
        burst: Requests that it may send at once after a pause.
        exempt: Addresses without a limit: all private ones, none, or these networks.
        max_addresses: How many are remembered.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        *,
        per_second: float = PER_SECOND,
        burst: float = BURST,
        exempt: PeerExemption = False,
        max_addresses: int = MAX_ADDRESSES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_second = per_second
        self._burst = burst
        self._exempt = exempt
        self._max_addresses = max_addresses
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait_of(self, address: str) -> float:
        """Count a request; return 0 where it may pass, else the seconds until one may."""
        name, exempt = _bucket_of(address, self._exempt)
        if exempt:
            return 0.0
        now = self._clock()
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = _Bucket(self._burst, now)
            if len(self._buckets) > self._max_addresses:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(name)
        bucket.level = min(self._burst, bucket.level + (now - bucket.at) * self._per_second)
        bucket.at = now
        if bucket.level < 1.0:
            return (1.0 - bucket.level) / self._per_second
        bucket.level -= 1.0
        return 0.0


@lru_cache(maxsize=4096)
def _bucket_of(address: str, exempt: PeerExemption) -> tuple[str, bool]:
    """Return the name of an address' bucket and whether it is exempt; an IPv6 network of 64 bits is one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown", False
    if isinstance(exempt, tuple):
        free = any(parsed in network for network in exempt)
    else:
        free = exempt and parsed.is_private
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False)), free
    return address, free


def address_of(peer: str, forwarded_for: str) -> str:
    """Return whose request this is.

    What a peer says of others counts only where the peer is one of our own, a private address: then the
    last entry is the one that our proxy wrote.
    """
    if not forwarded_for:
        return peer
    last = forwarded_for.rpartition(",")[2].strip()
    return last if last and _is_private(peer) else peer


@lru_cache(maxsize=4096)
def _is_private(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_private
    except ValueError:
        return False
