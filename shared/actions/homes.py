"""Filling the home timeline of somebody who comes back after a long time."""

import asyncio

from shared.database import homes, timelines
from shared.database.homes import HomeState
from shared.database.pool import Connection

PATIENCE = 5.0
"""Seconds to wait for transactions that began before the timeline was kept again."""

_PAUSE = 0.01


async def fill_home(conn: Connection, account_id: int) -> None:
    """Return when a home timeline is what it would be had it been kept all the time.

    First new posts are written into it again. Whoever began to write a post before that may not have
    known, so their ends are awaited; only then is the store read. Not to be called in a transaction.
    """
    await homes.begin_to_fill(conn, account_id)
    await wait_for_earlier_writers(conn)
    async with conn.transaction():
        if await homes.lock(conn, account_id) is not HomeState.KEPT:
            await timelines.clear(conn, account_id)
            await timelines.refill(conn, account_id)
            await homes.finish(conn, account_id)


async def wait_for_earlier_writers(conn: Connection) -> bool:
    """Return once every transaction that runs now has ended; False where patience does not last."""
    number = await homes.horizon(conn)
    for _ in range(int(PATIENCE / _PAUSE)):
        if await homes.is_past(conn, number):
            return True
        await asyncio.sleep(_PAUSE)
    return False
