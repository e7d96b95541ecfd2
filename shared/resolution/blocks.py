"""Suspended domains, remembered for a few seconds: every activity and every delivery asks for them."""

import time

from shared.database import domain_blocks
from shared.database.pool import Pool, unavailable_when_down
from shared.policy.moderation import blocked

TTL = 5.0
"""Seconds until a change of the list is noticed."""


class DomainBlocks:
    """Tells whether a host is suspended.

    Args:
        pool: Where the list is.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._domains: frozenset[str] = frozenset()
        self._valid_until = 0.0

    async def refresh(self) -> None:
        """Read the list again if it is no longer fresh; raises Unavailable."""
        if time.monotonic() < self._valid_until:
            return
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                self._domains = await domain_blocks.suspended(conn)
        self._valid_until = time.monotonic() + TTL

    def forget(self) -> None:
        """Read the list again at the next `refresh`."""
        self._valid_until = 0.0

    def __contains__(self, host: str) -> bool:
        """Tell whether a host, or a domain above it, was suspended as of the last `refresh`."""
        return bool(self._domains) and blocked(host, self._domains)
