"""Add and Remove: what an actor pins to its profile, and no longer."""

from collections.abc import Sequence

from services.timeline_builder import posts
from services.timeline_builder.effects import Run
from services.timeline_builder.posts import Incoming
from services.timeline_builder.work import Outcome, Work
from shared.database import pins
from shared.protocol.activities import Add, Remove

Featuring = Add | Remove


async def apply(run: Run, works: Sequence[Work[Featuring]]) -> None:
    """Pin and unpin, in the order of the batch; an actor may do so with its own posts only.

    A post that was fetched because it is pinned is stored first.
    """
    await _store_fetched(run, works)
    wanted: dict[tuple[int, int], bool] = {}
    for work in works:
        pair = _judge(run, work)
        if pair is not None:
            wanted[pair] = isinstance(work.activity, Add)
    if new := [pair for pair, pinned in wanted.items() if pinned]:
        await pins.insert(run.conn, [(run.site.ids.next(), *pair) for pair in new])
    if old := [pair for pair, pinned in wanted.items() if not pinned]:
        await pins.remove(run.conn, old)


async def _store_fetched(run: Run, works: Sequence[Work[Featuring]]) -> None:
    incoming = [
        Incoming(note=note, author=who, received_at=work.accepted.received_at, wanted=True)
        for work in works
        if (who := run.facts.actor(work.activity.actor)) is not None
        if who.followed and work.activity.target == who.featured_uri
        for note in work.accepted.fetched
        if note.id == work.activity.object and note.attributed_to == who.uri
        if note.id not in run.facts.posts and not run.facts.deleted(note.id, who.uri)
    ]
    if incoming:
        await posts.store(run, incoming)


def _judge(run: Run, work: Work[Featuring]) -> tuple[int, int] | None:
    activity = work.activity
    who, status = run.facts.actor(activity.actor), run.facts.posts.get(activity.object)
    if who is None:
        work.outcome = Outcome.UNKNOWN_ACTOR
    elif not who.featured_uri or activity.target != who.featured_uri:
        work.outcome = Outcome.NOT_PERMITTED
    elif status is None:
        work.outcome = Outcome.UNKNOWN_OBJECT
    elif status.deleted_at is not None:
        work.outcome = Outcome.DELETED
    elif status.actor_id != who.id or status.reblog_of_id is not None:
        work.outcome = Outcome.NOT_PERMITTED
    else:
        return who.id, status.id
    return None
