"""Create: new posts."""

from collections.abc import Sequence

from services.timeline_builder import ballots, passing_on, quoting, revisions
from services.timeline_builder.effects import Run
from services.timeline_builder.posts import Incoming, concerned, store, tell_mentioned
from services.timeline_builder.work import Outcome, Work
from shared.protocol.activities import Create


async def apply(run: Run, works: Sequence[Work[Create]]) -> None:
    """Store posts that concern somebody here, show them where they belong, tell those they name.

    A local post is stored already; it is shown and told of. Votes are counted: stored as posts they would
    be empty messages to the poll's author.
    """
    await ballots.apply(run, [work for work in works if work.activity.note.is_vote and not work.local])
    works = [work for work in works if not work.activity.note.is_vote]
    await _store_quoted(run, works)
    fresh = [incoming for work in works if (incoming := _judge(run, work)) is not None]
    stored = await store(run, fresh) if fresh else {}
    for work in works:
        if work.outcome is not Outcome.APPLIED:
            continue
        status = run.facts.posts.get(work.activity.note.id)
        if status is None:
            work.outcome = Outcome.UNCONCERNED
            continue
        run.fan_out(status.id)
        if work.activity.note.hashtags:
            run.fan_out_tagged(status.id)
        run.changes.post(status.id)
        tell_mentioned(run, status, work.activity.note)
        passing_on.reply(run, work)
    await quoting.tell_quoted(run, [work.activity.note for work in works if work.outcome is Outcome.APPLIED])
    await revisions.apply_early(run, list(stored.values()))


def _judge(run: Run, work: Work[Create]) -> Incoming | None:
    """Return the post to store, if there is one; set the outcome where the activity has no effect."""
    note, author = work.activity.note, run.facts.actor(work.activity.actor)
    if author is None:
        work.outcome = Outcome.UNKNOWN_ACTOR
        return None
    known = run.facts.posts.get(note.id)
    if known is not None:
        if known.actor_id != author.id:
            work.outcome = Outcome.NOT_PERMITTED
        elif known.deleted_at is not None:
            work.outcome = Outcome.DELETED
        return None
    if work.local:
        work.outcome = Outcome.UNKNOWN_OBJECT
    elif note.attributed_to != author.uri:
        work.outcome = Outcome.NOT_PERMITTED
    elif run.facts.deleted(note.id, author.uri):
        work.outcome = Outcome.DELETED
    else:
        return Incoming(note=note, author=author, received_at=work.accepted.received_at)
    return None


async def _store_quoted(run: Run, works: Sequence[Work[Create]]) -> None:
    """Store the posts that were fetched because they are quoted by a post that is kept."""
    quoted = [
        Incoming(note=note, author=author, received_at=work.accepted.received_at, wanted=True)
        for work in works
        if work.accepted.fetched and (incoming := _judge(run, work)) and concerned(run, [incoming])
        for note in work.accepted.fetched
        if (author := run.facts.actor(note.attributed_to)) and note.id not in run.facts.posts
        if not run.facts.deleted(note.id, author.uri)
    ]
    if quoted:
        await store(run, quoted)
