"""Announce: boosts."""

from collections.abc import Collection, Sequence

from services.timeline_builder import posts
from services.timeline_builder.effects import Run
from services.timeline_builder.posts import Incoming, id_at
from services.timeline_builder.work import Outcome, Work
from shared.database import relays, statuses
from shared.database.standing import Standing
from shared.database.statuses import NewBoost, StatusRow
from shared.protocol.activities import Announce
from shared.protocol.addressing import visibility_of
from shared.protocol.objects import Visibility


async def apply(run: Run, works: Sequence[Work[Announce]]) -> None:
    """Store boosts, show them where they belong, tell the authors who are here.

    A post that was fetched for its boost is stored first. A local boost is stored already.
    """
    relaying = await relays.relaying(run.conn, {work.activity.actor for work in works if not work.local})
    await _store_fetched(run, works, relaying)
    works = _shared_by_people(run, works, relaying)
    new: dict[tuple[int, int], NewBoost] = {}
    for work in works:
        judged = _judge(run, work)
        if judged is None:
            continue
        who, status = judged
        if status.local:
            run.tell(status.actor_id, "reblog", who.id, status.id)
        boost = run.facts.posts.get(work.activity.id)
        if boost is not None:
            run.fan_out(boost.id)
            run.changes.post(boost.id)
        elif not work.local:
            new[(who.id, status.id)] = _new_boost(run, work, who, status)
    await _store(run, list(new.values()))


def _shared_by_people(
    run: Run, works: Sequence[Work[Announce]], relaying: Collection[str]
) -> list[Work[Announce]]:
    """Return the boosts: what a relay announces it passes on, and that is no boost."""
    for work in works:
        if work.activity.actor in relaying and work.activity.object not in run.facts.posts:
            work.outcome = Outcome.UNKNOWN_OBJECT
    return [work for work in works if work.activity.actor not in relaying]


async def _store_fetched(run: Run, works: Sequence[Work[Announce]], relaying: Collection[str]) -> None:
    incoming = []
    for work in works:
        who = run.facts.actor(work.activity.actor)
        if who is None or not (who.uri in relaying or _matters(run, work, who)):
            continue
        for note in work.accepted.fetched:
            author = run.facts.actor(note.attributed_to)
            if author is None or note.id in run.facts.posts or run.facts.deleted(note.id, author.uri):
                continue
            at = work.accepted.received_at
            incoming.append(Incoming(note=note, author=author, received_at=at, wanted=True))
    if incoming:
        await posts.store(run, incoming)


def _matters(run: Run, work: Work[Announce], who: Standing) -> bool:
    status = run.facts.posts.get(work.activity.object)
    return who.local or who.followed or (status is not None and status.local)


def _judge(run: Run, work: Work[Announce]) -> tuple[Standing, StatusRow] | None:
    activity = work.activity
    who, status = run.facts.actor(activity.actor), run.facts.posts.get(activity.object)
    boost = run.facts.posts.get(activity.id)
    if who is None:
        work.outcome = Outcome.UNKNOWN_ACTOR
    elif run.facts.undone(activity.id, activity.actor) or (
        boost is not None and boost.deleted_at is not None
    ):
        work.outcome = Outcome.UNDONE
    elif not _matters(run, work, who):
        work.outcome = Outcome.UNCONCERNED
    elif status is None or status.reblog_of_id is not None:
        work.outcome = Outcome.UNKNOWN_OBJECT
    elif status.deleted_at is not None:
        work.outcome = Outcome.DELETED
    elif not _may_boost(who, status) or (boost is not None and boost.actor_id != who.id):
        work.outcome = Outcome.NOT_PERMITTED
    else:
        return who, status
    return None


def _may_boost(who: Standing, status: StatusRow) -> bool:
    if status.visibility in {Visibility.PUBLIC, Visibility.UNLISTED}:
        return True
    return status.visibility is Visibility.FOLLOWERS and status.actor_id == who.id


def _new_boost(run: Run, work: Work[Announce], who: Standing, status: StatusRow) -> NewBoost:
    activity, received = work.activity, work.accepted.received_at
    created = min(activity.published or received, received)
    boost_id = id_at(run, created, received)
    return NewBoost(
        id=boost_id,
        uri=activity.id,
        local=False,
        actor_id=who.id,
        reblog_of_id=status.id,
        conversation_id=status.conversation_id,
        visibility=visibility_of(activity.to, activity.cc, who.followers_uri),
        created_at=created,
    )


async def _store(run: Run, boosts: Sequence[NewBoost]) -> None:
    if not boosts:
        return
    stored = await statuses.insert_boosts(run.conn, boosts)
    for boost in boosts:
        if boost.id in stored:
            run.counts.post(boost.actor_id, boost.visibility, at=boost.created_at)
            run.counts.boost(boost.reblog_of_id)
            run.fan_out(boost.id, new=True)
            run.changes.post(boost.id)
