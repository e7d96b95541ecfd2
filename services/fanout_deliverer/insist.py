"""Waiting out an outage of the database in the middle of the work, rather than doing the work again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from shared.protocol.errors import Unavailable

log = structlog.get_logger(__name__)

T = TypeVar("T")

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0


async def insist(work: Callable[[], Awaitable[T]], event: str) -> T:
    """Return what the work returns, however often it is Unavailable before.

    Giving the batch back instead would post again what was posted already, and lose the order per host.

    Args:
        work: Does it; started anew for each attempt.
        event: The name of the line that is logged while it is held.
    """
    pause = _FIRST_PAUSE
    while True:
        try:
            return await work()
        except Unavailable as outage:
            log.warning(event, reason=outage.reason, detail=str(outage)[:200])
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
