"""What polls lead to later: other servers learn of new counts, and who took part learns of the end."""

import asyncio
import contextlib
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import structlog
from msgspec.structs import replace

from shared.actions.site import Site
from shared.database import document_posts, notifications, outbox, polls
from shared.database.document_posts import DocumentPost
from shared.database.edits import refresh_polls
from shared.database.notifications import NewNotification
from shared.database.outbox import OutboxMessage
from shared.database.polls import DuePoll
from shared.database.pool import Connection, Pool, unavailable_when_down
from shared.protocol.activities import UpdateNote
from shared.protocol.errors import Unavailable
from shared.protocol.messages import AcceptedActivity, Codec
from shared.protocol.writer.activities import write_activity
from shared.queue.topology import FANOUT_PLAN
from shared.telemetry.logging import new_trace

log = structlog.get_logger(__name__)
_codec = Codec(AcceptedActivity)

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
    await outbox.enqueue(conn, [_update(site, post)])


def _update(site: Site, post: DocumentPost) -> OutboxMessage:
    now = datetime.now(UTC)
    update = UpdateNote(
        id=site.uris.update(post.id, int(now.timestamp() * 1000)),
        actor=post.note.attributed_to,
        to=post.note.to,
        cc=post.note.cc,
        published=now,
        note=post.note,
    )
    body = write_activity(update)
    item = AcceptedActivity(
        activity=update,
        local=True,
        received_at=now,
        trace=new_trace(),
        digest=hashlib.sha256(body).digest()[:16],
        body=body,
    )
    return OutboxMessage(queue=FANOUT_PLAN, payload=_codec.encode([item]))
