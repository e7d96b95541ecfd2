"""Update of posts: edits, and the counts of polls."""

from collections.abc import Sequence

from services.timeline_builder import passing_on, quoting, revisions
from services.timeline_builder.effects import Run
from services.timeline_builder.facts import UPDATE
from services.timeline_builder.posts import Incoming, concerned, tell_mentioned
from services.timeline_builder.revisions import Edit
from services.timeline_builder.work import Outcome, Work
from shared.database import edits
from shared.database.pending import PendingNote
from shared.database.standing import Standing
from shared.database.statuses import StatusRow
from shared.protocol.activities import UpdateNote


async def apply(run: Run, works: Sequence[Work[UpdateNote]]) -> None:
    """Give posts their new contents, tell those who shared or quoted them; wait for what is not here yet."""
    changes: list[Edit] = []
    polls: list[tuple[int, UpdateNote]] = []
    shown: list[int] = []
    judged: list[Work[UpdateNote]] = []
    for work in works:
        status = _judge(run, work)
        if status is None:
            continue
        judged.append(work)
        if work.local:
            _show_local(run, work, status)
            shown.append(status.id)
        elif work.activity.note.updated is not None or work.activity.note.poll is None:
            change = _edit(work, status)
            changes.append(change)
            if change.at > revisions.version_of(status):
                shown.append(status.id)
            elif change.at == revisions.version_of(status) and work.activity.note.poll is not None:
                polls.append((status.id, work.activity))
            else:
                work.outcome = Outcome.OUTDATED
        else:
            polls.append((status.id, work.activity))
        if work.outcome is Outcome.APPLIED:
            passing_on.reply(run, work)
    await revisions.apply(run, changes)
    await _refresh_quotes(run, judged)
    await _refresh_polls(run, polls)
    await _tell_sharers(run, shown)


def _judge(run: Run, work: Work[UpdateNote]) -> StatusRow | None:
    note, author = work.activity.note, run.facts.actor(work.activity.actor)
    if author is None:
        work.outcome = Outcome.UNKNOWN_ACTOR
        return None
    status = run.facts.posts.get(note.id)
    if status is None:
        _wait(run, work, author)
        return None
    if status.actor_id != author.id or note.attributed_to != author.uri:
        work.outcome = Outcome.NOT_PERMITTED
    elif status.deleted_at is not None:
        work.outcome = Outcome.DELETED
    else:
        return status
    return None


def _wait(run: Run, work: Work[UpdateNote], author: Standing) -> None:
    note = work.activity.note
    incoming = Incoming(note=note, author=author, received_at=work.accepted.received_at)
    if work.local or note.attributed_to != author.uri:
        work.outcome = Outcome.UNKNOWN_OBJECT
    elif note.updated is None or not concerned(run, [incoming]):
        work.outcome = Outcome.UNCONCERNED
    else:
        work.outcome = Outcome.WAITING
        run.leave(
            PendingNote(
                subject=note.id,
                actor_uri=author.uri,
                kind=f"{UPDATE} {note.updated.isoformat()}",
                activity=revisions.pack(work.activity),
            )
        )


def _edit(work: Work[UpdateNote], status: StatusRow) -> Edit:
    note = work.activity.note
    at = note.updated or work.activity.published or work.accepted.received_at
    return Edit(status=status, note=note, at=at)


def _show_local(run: Run, work: Work[UpdateNote], status: StatusRow) -> None:
    run.fan_out(status.id)
    run.changes.edit(status.id)
    tell_mentioned(run, status, work.activity.note)


async def _refresh_polls(run: Run, polls: Sequence[tuple[int, UpdateNote]]) -> None:
    counted = [(status_id, update.note.poll) for status_id, update in polls]
    present = [(status_id, poll) for status_id, poll in counted if poll is not None]
    if present:
        await edits.refresh_polls(run.conn, present)


async def _refresh_quotes(run: Run, works: Sequence[Work[UpdateNote]]) -> None:
    """Note what posts quote and who may quote them now: that may be all that is new in an Update."""
    away = [work for work in works if not work.local]
    news = await quoting.remember(run, [work.activity.note for work in away])
    news += await quoting.renew_terms(run, [work.activity.note for work in away if not _is_older(run, work)])
    for uri in dict.fromkeys(news):
        run.changes.edit(run.facts.posts[uri].id)


def _is_older(run: Run, work: Work[UpdateNote]) -> bool:
    status = run.facts.posts[work.activity.note.id]
    return _edit(work, status).at < revisions.version_of(status)


async def _tell_sharers(run: Run, status_ids: Sequence[int]) -> None:
    if not status_ids:
        return
    authors = {status.id: status.actor_id for status in run.facts.posts.values()}
    for status_id, account_id in await edits.boosters_here(run.conn, status_ids):
        run.tell(account_id, "update", authors[status_id], status_id)
    for one in await edits.quotes_here(run.conn, status_ids):
        # It is about the post that quotes: its owner may want to change it now.
        run.tell(one.account_id, "quoted_update", one.author_id, one.status_id)
