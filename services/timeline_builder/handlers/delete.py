"""Delete: of a post, or of an account with everything that hangs on it."""

from collections.abc import Sequence

import msgspec

from services.timeline_builder import endings, passing_on, quoting
from services.timeline_builder.effects import Run
from services.timeline_builder.facts import DELETE
from services.timeline_builder.work import Outcome, Work
from shared.database import departures
from shared.database.pending import PendingNote
from shared.database.statuses import StatusRow
from shared.protocol.activities import Delete


async def apply(run: Run, works: Sequence[Work[Delete]]) -> None:
    """Leave tombstones; where the post is not here yet, leave word that it must not be stored."""
    doomed: list[StatusRow] = []
    revoked = await quoting.revoke(run, works)
    for work in works:
        if work in revoked:
            continue
        if work.activity.object == work.activity.actor:
            await _delete_actor(run, work)
        elif (status := _judge(run, work)) is not None:
            doomed.append(status)
            passing_on.end(run, work, status)
    gone = all(status.deleted_at is not None for status in doomed)
    await endings.bury(run, [status.id for status in doomed], gone=gone)


def _judge(run: Run, work: Work[Delete]) -> StatusRow | None:
    activity = work.activity
    who, status = run.facts.actor(activity.actor), run.facts.posts.get(activity.object)
    if who is None:
        work.outcome = Outcome.UNKNOWN_ACTOR
    elif status is None:
        work.outcome = Outcome.WAITING
        run.leave(PendingNote(subject=activity.object, actor_uri=who.uri, kind=DELETE))
    elif status.actor_id != who.id:
        work.outcome = Outcome.NOT_PERMITTED
    else:
        return status
    return None


async def _delete_actor(run: Run, work: Work[Delete]) -> None:
    who = run.facts.actors.get(work.activity.actor)
    if who is None:
        work.outcome = Outcome.UNKNOWN_ACTOR
        return
    if who.gone and not who.local:
        work.outcome = Outcome.DELETED
        return
    await endings.end_follows(run, await departures.follows_of(run.conn, who.id))
    await endings.end_likes(run, await departures.likes_of(run.conn, who.id))
    await endings.bury(run, await departures.posts_of(run.conn, who.id))
    await departures.forget(run.conn, who.id)
    run.facts.actors[who.uri] = msgspec.structs.replace(who, gone=True)
