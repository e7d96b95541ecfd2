"""Accept and Reject: what became of a request to follow."""

from collections.abc import Sequence

from services.timeline_builder import endings
from services.timeline_builder.effects import Run
from services.timeline_builder.work import Outcome, Work
from shared.database import follows, relays
from shared.database.follows import FollowRow
from shared.database.relays import RelayState
from shared.protocol.activities import Accept, Reject

Answer = Accept | Reject


async def apply(run: Run, works: Sequence[Work[Answer]]) -> None:
    """Let those follow who asked and were accepted; end the follow of those who were turned away."""
    works = await _without_relays(run, works)
    by_id = await follows.by_uris(run.conn, [w.activity.follow_id for w in works if w.activity.follow_id])
    by_ends = await follows.between(run.conn, [p for w in works if (p := _ends(run, w.activity)) is not None])
    accepted: list[tuple[int, int]] = []
    rejected: list[tuple[int, int]] = []
    for work in works:
        row = _answered(run, work, by_id, by_ends)
        if row is None:
            continue
        pair = (row.follower_id, row.followee_id)
        if isinstance(work.activity, Accept):
            accepted.append(pair)
            run.facts.mark_followed(work.activity.actor)
        else:
            rejected.append(pair)
    await _accept(run, accepted)
    if rejected:
        await endings.end_follows(run, rejected)


async def _without_relays(run: Run, works: Sequence[Work[Answer]]) -> list[Work[Answer]]:
    """Note what relays answered to the instance actor; return the other answers."""
    asked = await relays.asked(run.conn, [work.activity.follow_id for work in works])
    for work in works:
        answer = work.activity
        if answer.follow_id not in asked:
            continue
        state = RelayState.ACCEPTED if isinstance(answer, Accept) else RelayState.REJECTED
        if not await relays.answered(run.conn, answer.follow_id, answer.actor, state):
            work.outcome = Outcome.NOT_PERMITTED
    return [work for work in works if work.activity.follow_id not in asked]


def _ends(run: Run, answer: Answer) -> tuple[int, int] | None:
    follower, followee = run.facts.actors.get(answer.follower), run.facts.actors.get(answer.followee)
    return None if follower is None or followee is None else (follower.id, followee.id)


def _answered(
    run: Run,
    work: Work[Answer],
    by_id: dict[str, FollowRow],
    by_ends: dict[tuple[int, int], FollowRow],
) -> FollowRow | None:
    answer, who = work.activity, run.facts.actor(work.activity.actor)
    if who is None:
        work.outcome = Outcome.UNKNOWN_ACTOR
        return None
    ends = _ends(run, answer)
    row = by_id.get(answer.follow_id) or (by_ends.get(ends) if ends is not None else None)
    if row is None:
        if work.local and ends is not None:
            run.prune(ends[0])
        else:
            work.outcome = Outcome.UNKNOWN_OBJECT
    elif row.followee_id != who.id or (ends is not None and ends != (row.follower_id, row.followee_id)):
        work.outcome = Outcome.NOT_PERMITTED
        return None
    return row


async def _accept(run: Run, pairs: Sequence[tuple[int, int]]) -> None:
    if not pairs:
        return
    for row in await follows.accept(run.conn, pairs):
        run.counts.follow(row.follower_id, row.followee_id)
        run.withdraw(row.followee_id, "follow_request", row.follower_id)
    for follower, _ in pairs:
        run.extend(follower)
