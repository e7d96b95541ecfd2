"""Wide authors with few readers again: their posts go back into home timelines, one by one."""

import structlog

from shared.actions.homes import wait_for_earlier_writers
from shared.database import timelines, wide_authors
from shared.database.pool import Connection

log = structlog.get_logger(__name__)

READERS_AT_ONCE = 500

SLACK = 0.75
"""Share of the limit below which an author is narrow again: no coming and going at the limit itself."""


async def narrow(conn: Connection, limit: int, share: int, shares: int) -> None:
    """Write the posts of wide authors who have lost readers into the timelines of those they have.

    First their new posts are written again. Whoever began to store a post before that may not have known,
    so their ends are awaited; only then is the store read. What is interrupted begins anew the next time.

    Args:
        conn: Not in a transaction.
        limit: Readers that make an author wide.
        share: Which part of the wide authors is looked at, from 0.
        shares: How many parts there are.
    """
    found = await wide_authors.begin_to_narrow(conn, share, shares, int(limit * SLACK))
    if not found:
        return
    if not await wait_for_earlier_writers(conn):
        return
    for actor_id in found:
        above: int | None = 0
        while above is not None:
            above = await wide_authors.write_for(
                conn, actor_id, above, READERS_AT_ONCE, kept=timelines.KEPT, looked_at=timelines.LOOKED_AT
            )
        await wide_authors.finish(conn, actor_id)
        log.info("author_narrow_again", actor=actor_id)
