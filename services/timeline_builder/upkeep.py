"""Upkeep of the store, every few minutes: partitions made and dropped, timelines trimmed, notes forgotten."""

import asyncio
import contextlib
import time

import structlog

from services.timeline_builder.narrowing import narrow
from shared.actions.site import FAN_OUT_LIMIT, Site
from shared.database import homes, partitions, pending, timelines
from shared.database.pool import Pool, unavailable_when_down
from shared.protocol.errors import Unavailable

log = structlog.get_logger(__name__)

INTERVAL = 600.0
"""Seconds between two rounds."""

_NOTES_KEPT_DAYS = 8
_SHARES = 144
"""Rounds in which every home timeline is trimmed once: a day."""

_WIDE_SHARES = 6
"""Rounds in which every wide author is looked at once: an hour."""


async def run(pool: Pool, site: Site, stopping: asyncio.Event) -> None:
    """Keep the store in shape until told to stop."""
    while not stopping.is_set():
        try:
            await once(pool, site.fan_out_limit)
        except Unavailable as error:
            log.warning("upkeep_waits", reason=error.reason, detail=error.detail)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), INTERVAL)


async def once(pool: Pool, fan_out_limit: int = FAN_OUT_LIMIT) -> None:
    """Do one round."""
    with unavailable_when_down():
        async with pool.acquire() as conn:
            changed = await partitions.keep_up(conn)
            if changed:
                log.info("partitions_changed", names=changed)
            await partitions.drop_strays(conn)
            await pending.forget_older_than(conn, _NOTES_KEPT_DAYS)
            if retired := await homes.retire(conn):
                log.info("home_timelines_retired", accounts=retired)
            number = int(time.time() // INTERVAL)
            await timelines.trim(conn, number % _SHARES, _SHARES)
            await narrow(conn, fan_out_limit, number % _WIDE_SHARES, _WIDE_SHARES)
