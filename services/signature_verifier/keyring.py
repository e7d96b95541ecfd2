"""Keys that are known: in memory first, then all that are missing in one query."""

import time
from collections import OrderedDict
from collections.abc import Collection

from shared.database import keys
from shared.database.keys import KnownKey
from shared.database.pool import Pool, unavailable_when_down
from shared.telemetry import metrics

MAX_KEYS = 20_000
TTL = 60.0
"""Seconds until a key is looked up again: its owner may have been suspended, or sent a new one."""

REFETCH_WINDOW = 300.0
"""Seconds in which a key is fetched again once at most, however many signatures do not fit it."""


class Keyring:
    """Remembers keys by their ids.

    Args:
        pool: Where they are stored.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: OrderedDict[str, tuple[KnownKey, float]] = OrderedDict()

    async def find(self, key_ids: Collection[str]) -> dict[str, KnownKey]:
        """Return those of these keys that are known here; raises Unavailable."""
        now = time.monotonic()
        found: dict[str, KnownKey] = {}
        for key_id in key_ids:
            entry = self._known.get(key_id)
            if entry is not None and entry[1] > now:
                found[key_id] = entry[0]
        if found:
            metrics.key_lookups.labels("cached").inc(len(found))
        missing = [key_id for key_id in key_ids if key_id not in found]
        return found | await self.read(missing) if missing else found

    async def read(self, key_ids: Collection[str]) -> dict[str, KnownKey]:
        """Return those of these keys that are stored, as they are stored now; raises Unavailable."""
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                stored = await keys.by_ids(conn, list(key_ids))
        for key in stored.values():
            self.remember(key)
        if stored:
            metrics.key_lookups.labels("stored").inc(len(stored))
        return stored

    def remember(self, key: KnownKey) -> None:
        """Take in a key."""
        self._known[key.id] = (key, time.monotonic() + TTL)
        self._known.move_to_end(key.id)
        while len(self._known) > MAX_KEYS:
            self._known.popitem(last=False)


class Refetches:
    """Allows one refetch per key and window."""

    def __init__(self, *, window: float = REFETCH_WINDOW, size: int = MAX_KEYS) -> None:
        self._window = window
        self._size = size
        self._taken: OrderedDict[str, float] = OrderedDict()

    def is_open(self, key_id: str) -> bool:
        """Tell whether a key may be fetched again."""
        taken = self._taken.get(key_id)
        return taken is None or time.monotonic() - taken >= self._window

    def close(self, key_id: str) -> None:
        """Note that a key has just been fetched again."""
        self._taken[key_id] = time.monotonic()
        self._taken.move_to_end(key_id)
        while len(self._taken) > self._size:
            self._taken.popitem(last=False)
