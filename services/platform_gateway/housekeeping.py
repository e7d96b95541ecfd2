"""What is dropped when nobody needs it any more: keys, codes, loose pictures, who fetched what is gone."""

import asyncio
from datetime import timedelta

import structlog

from shared.database.fetches import forget_fetches
from shared.database.idempotency import forget_old
from shared.database.media import delete_loose
from shared.database.oauth import delete_expired_codes
from shared.database.pool import Pool, unavailable_when_down
from shared.protocol.errors import Unavailable

log = structlog.get_logger(__name__)

LOOSE_SECONDS = 86_400.0
"""How long a picture is kept that nothing shows: as long as somebody may write the post that will."""

AT_ONCE = 50
EVERY = 900.0
"""Seconds between two rounds."""

FETCHES_KEPT = timedelta(days=30)
"""How long it is known who fetched a post that is deleted, so that its Delete may be sent again."""


async def keep_house(pool: Pool, stopping: asyncio.Event) -> None:
    """Tidy up now and then until told to stop; a database that is down is tried again the next time."""
    while not stopping.is_set():
        try:
            with unavailable_when_down():
                async with pool.acquire() as conn:
                    await forget_old(conn)
                    await delete_expired_codes(conn)
                    while await delete_loose(conn, LOOSE_SECONDS, AT_ONCE) == AT_ONCE:
                        pass
                    await forget_fetches(conn, after=FETCHES_KEPT)
        except Unavailable as error:
            log.warning("housekeeping_postponed", reason=error.reason)
        try:
            async with asyncio.timeout(EVERY):
                await stopping.wait()
        except TimeoutError:
            continue
