"""What polls lead to later: other servers learn of new counts, and who took part learns of the end."""

import asyncio
import contextlib
from collections.abc import Sequence

import structlog
from msgspec.structs import replace

from services.timeline_builder.emit import update_of_post
from shared.actions.site import Site
from shared.database import document_posts, notifications, outbox, polls
from shared.database.edits import refresh_polls
from shared.database.notifications import NewNotification
from shared.database.polls import DuePoll
from shared.database.pool import Connection, Pool, unavailable_when_down
from shared.protocol.errors import Unavailable

log = structlog.get_logger(__name__)

INTERVAL = 15.0
"""Seconds between two looks."""

PAUSE = 180.0
"""Seconds between two Updates with new counts: a poll may have many votes."""

AT_ONCE = 50


async def run(pool: Pool, site: Site, stopping: asyncio.Event) -> None:
    """Look for polls to tell of until told to stop."""
    while not stopping.is_set():
        try:
            while await once(pool, site) == AT_ONCE and not stopping.is_set():
                pass
        except Unavailable as error:
            log.warning("polls_wait", reason=error.reason, detail=error.detail)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), INTERVAL)


async def once(pool: Pool, site: Site, *, pause: float = PAUSE) -> int:
    """Tell of some polls, and return of how many."""
    with unavailable_when_down():
        async with pool.acquire() as conn, conn.transaction():
            due = await polls.take_due(conn, pause_seconds=pause, limit=AT_ONCE)
            await _close(conn, [poll for poll in due if poll.local and poll.over])
            await _tell_voters(conn, site, [poll for poll in due if poll.over])
            for poll in due:
                if poll.local:
                    await _tell_servers(conn, site, poll)
    return len(due)


async def _close(conn: Connection, over: Sequence[DuePoll]) -> None:
    """Note in polls that were made here since when they are closed."""
    if not over:
        return
    known = await polls.lock(conn, [poll.status_id for poll in over])
    closed = {status: poll for status, poll in known.items() if poll.closed_at is None}
    if closed:
        ended = [(status, replace(poll, closed_at=poll.ends_at)) for status, poll in closed.items()]
        await refresh_polls(conn, ended)


async def _tell_voters(conn: Connection, site: Site, over: Sequence[DuePoll]) -> None:
    if not over:
        return
    authors = {poll.status_id: poll.actor_id for poll in over}
    people = [*authors.items(), *await polls.voters_here(conn, list(authors))]
    told = [
        NewNotification(
            id=site.ids.next(), account_id=account, kind="poll", actor_id=authors[status], status_id=status
        )
        for status, account in dict.fromkeys(people)
    ]
    await notifications.insert(conn, told)


async def _tell_servers(conn: Connection, site: Site, poll: DuePoll) -> None:
    post = await document_posts.post_by_id(conn, poll.status_id)
    if post is None or not post.federated or post.author_gone:
        return
    await outbox.enqueue(conn, [update_of_post(site, post)])
