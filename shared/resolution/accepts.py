"""Which `Accept` a host insists on: learned from its 406, remembered for all processes."""

import time

import structlog

from shared.database import peer_profiles
from shared.database.pool import Pool, unavailable_when_down
from shared.protocol.errors import Unavailable
from shared.remote.documents import ACCEPTS

log = structlog.get_logger(__name__)

TTL = 300.0
"""Seconds until what other processes have learned is noticed; not to know it costs one more request."""


class Accepts:
    """Tells what to ask a host for.

    Args:
        pool: Where it is remembered.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: dict[str, str] = {}
        self._valid_until = 0.0

    async def of(self, host: str) -> tuple[str, ...]:
        """Return what to ask for, in this order, the next one where the answer is 406."""
        await self._refresh()
        first = self._known.get(host, ACCEPTS[0])
        return first, *(accept for accept in ACCEPTS if accept != first)

    async def learn(self, host: str, accept: str) -> None:
        """Remember what a host took that had answered 406 to what was asked for first."""
        insisted = "" if accept == ACCEPTS[0] else accept
        self._known.pop(host, None)
        if insisted:
            self._known[host] = insisted
        try:
            with unavailable_when_down():
                async with self._pool.acquire() as conn:
                    await peer_profiles.note_accept(conn, host, insisted)
        except Unavailable as outage:
            log.warning("accept_not_noted", host=host, reason=outage.reason)
            return
        log.info("accept_learned", host=host, accept=accept)

    async def _refresh(self) -> None:
        if time.monotonic() < self._valid_until:
            return
        self._valid_until = time.monotonic() + TTL
        try:
            with unavailable_when_down():
                async with self._pool.acquire() as conn:
                    self._known = await peer_profiles.accepts(conn)
        except Unavailable as outage:
            log.warning("accepts_not_read", reason=outage.reason)
