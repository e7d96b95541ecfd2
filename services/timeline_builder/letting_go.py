"""Lets go of deliveries that are settled for long, in small portions; who was told of what stays known."""

import asyncio
import contextlib
from datetime import datetime

import structlog

from shared.database import retention
from shared.database.pool import Pool, unavailable_when_down
from shared.database.retention import FROM_THE_FIRST, Kept, LetGo
from shared.protocol.errors import Unavailable
from shared.telemetry import metrics

log = structlog.get_logger(__name__)

EVERY = 600.0
"""Seconds between two rounds."""

REST = 0.1
"""Seconds between two portions: whoever posts comes first."""


async def run(pool: Pool, kept: Kept, stopping: asyncio.Event) -> None:
    """Let go of what is due now and then, until told to stop."""
    while not stopping.is_set():
        try:
            await once(pool, kept, stopping)
        except Unavailable as error:
            log.warning("letting_go_waits", reason=error.reason)
        except Exception:
            log.exception("letting_go_failed")  # and tried again: what is kept too long harms nobody
        await _rest(stopping, EVERY)


async def once(pool: Pool, kept: Kept, stopping: asyncio.Event) -> LetGo:
    """Let go of all that is due, and return how much that was; raises Unavailable."""
    gone, above = LetGo(), FROM_THE_FIRST
    following: datetime | None = above
    while following is not None and not stopping.is_set():
        with unavailable_when_down():
            some, following = await retention.let_go_of_some(pool, kept, following)
        metrics.deliveries_let_go.inc(some.deliveries)
        gone += some
        await _rest(stopping, REST)
    if gone.activities:
        log.info("deliveries_let_go", activities=gone.activities, deliveries=gone.deliveries)
    return gone


async def _rest(stopping: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)
