"""What ends by itself: mutes for a time."""

import asyncio
import contextlib

import structlog

from shared.actions.mutes import lapse
from shared.database.pool import Pool, unavailable_when_down
from shared.protocol.errors import Unavailable

log = structlog.get_logger(__name__)

INTERVAL = 30.0
"""Seconds between two looks: a mute lasts at most that much longer."""


async def run(pool: Pool, stopping: asyncio.Event) -> None:
    """End what has come to its end, until told to stop."""
    while not stopping.is_set():
        try:
            await once(pool)
        except Unavailable as error:
            log.warning("lapses_wait", reason=error.reason, detail=error.detail)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), INTERVAL)


async def once(pool: Pool) -> None:
    """End what has come to its end."""
    with unavailable_when_down():
        async with pool.acquire() as conn, conn.transaction():
            if ended := await lapse(conn):
                log.info("mutes_lapsed", mutes=ended)
