"""What is dropped when nobody needs it any more: old idempotency keys and authorization codes."""

import asyncio

import structlog

from shared.database.idempotency import forget_old
from shared.database.oauth import delete_expired_codes
from shared.database.pool import Pool, unavailable_when_down
from shared.protocol.errors import Unavailable

log = structlog.get_logger(__name__)

EVERY = 900.0
"""Seconds between two rounds."""


async def keep_house(pool: Pool, stopping: asyncio.Event) -> None:
    """Tidy up now and then until told to stop; a database that is down is tried again the next time."""
    while not stopping.is_set():
        try:
            with unavailable_when_down():
                async with pool.acquire() as conn:
                    await forget_old(conn)
                    await delete_expired_codes(conn)
        except Unavailable as error:
            log.warning("housekeeping_postponed", reason=error.reason)
        try:
            async with asyncio.timeout(EVERY):
                await stopping.wait()
        except TimeoutError:
            continue
