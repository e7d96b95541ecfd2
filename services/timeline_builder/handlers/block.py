"""Block: it ends the follows in both directions."""

from collections.abc import Sequence

from services.timeline_builder import emit
from services.timeline_builder.effects import Run
from services.timeline_builder.work import Outcome, Work
from shared.database import blocks, follows, notifications
from shared.database.blocks import BlockRow
from shared.database.follows import FollowRow, FollowState
from shared.database.standing import Standing
from shared.protocol.activities import Block

Sides = tuple[Standing, Standing]


async def apply(run: Run, works: Sequence[Work[Block]]) -> None:
    """Store blocks by or of people here, part the two sides, clear their timelines."""
    judged = [(work, sides) for work in works if (sides := _judge(run, work)) is not None]
    if not judged:
        return
    await _store(run, judged)
    pairs = [pair for _, (who, target) in judged for pair in ((who.id, target.id), (target.id, who.id))]
    ended = {(row.follower_id, row.followee_id): row for row in await follows.remove(run.conn, pairs)}
    for row in ended.values():
        _uncount(run, row)
    for work, (who, target) in judged:
        if work.local:
            _tell_other_side(run, work, (who, target), ended)
        run.prune(who.id)
        run.prune(target.id)
    own = [(who.id, target.id) for work, (who, target) in judged if work.local]
    if own:
        await notifications.withdraw_between(run.conn, own)


def _judge(run: Run, work: Work[Block]) -> Sides | None:
    activity = work.activity
    who, target = run.facts.actor(activity.actor), run.facts.actor(activity.object)
    if who is None:
        work.outcome = Outcome.UNKNOWN_ACTOR
    elif run.facts.undone(activity.id, activity.actor):
        work.outcome = Outcome.UNDONE
    elif target is None or not (who.local or target.local):
        work.outcome = Outcome.UNKNOWN_OBJECT
    elif who.id == target.id:
        work.outcome = Outcome.NOT_PERMITTED
    else:
        return who, target
    return None


async def _store(run: Run, judged: Sequence[tuple[Work[Block], Sides]]) -> None:
    rows = [
        BlockRow(id=run.site.ids.next(), uri=work.activity.id, actor_id=who.id, target_id=target.id)
        for work, (who, target) in judged
        if not work.local
    ]
    if rows:
        await blocks.insert(run.conn, rows)


def _uncount(run: Run, row: FollowRow) -> None:
    if row.state is FollowState.ACCEPTED:
        run.counts.follow(row.follower_id, row.followee_id, by=-1)
    run.withdraw(row.followee_id, "follow", row.follower_id)
    run.withdraw(row.followee_id, "follow_request", row.follower_id)


def _tell_other_side(
    run: Run, work: Work[Block], sides: Sides, ended: dict[tuple[int, int], FollowRow]
) -> None:
    """Let a remote server know which follows our block ended; it would go on believing in them."""
    who, target = sides
    if target.local or not who.federated:
        return
    trace = work.accepted.trace
    if (theirs := ended.get((target.id, who.id))) is not None:
        emit.reject_follow(run, who, target, theirs.uri, trace)
    if (ours := ended.get((who.id, target.id))) is not None:
        emit.undo_follow(run, who, target, ours.uri, trace)
