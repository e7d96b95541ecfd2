"""Move: an account goes to another server, and its followers here go along (FEP-7628)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from services.timeline_builder import emit, endings
from services.timeline_builder.effects import Run
from services.timeline_builder.work import Outcome, Work
from shared.database import blocks, follows, moves, standing
from shared.database.follows import FollowRow, FollowState
from shared.database.moves import MoveEnd
from shared.database.standing import Standing
from shared.protocol.activities import Move

COOLDOWN: Final = timedelta(days=30)
"""How long who has moved stays: else a stolen account could be handed on and on."""


async def apply(run: Run, works: Sequence[Work[Move]]) -> None:
    """Have the followers here follow the new account where the old and the new one name each other.

    What both say was read from their servers when the Move came. Moves are rare: each is on its own.
    """
    for work in works:
        sides = await _judge(run, work)
        if sides is not None:
            old, new = sides
            await moves.put(run.conn, old.id, new.id)
            await _take_along(run, old, new, work.accepted.trace)


async def _judge(run: Run, work: Work[Move]) -> tuple[Standing, Standing] | None:
    activity = work.activity
    old, new = run.facts.actor(activity.actor), run.facts.actor(activity.target)
    if old is None:
        work.outcome = Outcome.UNKNOWN_ACTOR
    elif activity.object != old.uri:
        work.outcome = Outcome.NOT_PERMITTED
    elif not old.followed:
        work.outcome = Outcome.UNCONCERNED
    elif new is None:
        work.outcome = Outcome.UNKNOWN_OBJECT
    elif not _linked(old, new, await moves.ends(run.conn, [old.id, new.id])):
        work.outcome = Outcome.NOT_PERMITTED
    else:
        return old, new
    return None


def _linked(old: Standing, new: Standing, ends: dict[int, MoveEnd]) -> bool:
    here, there = ends[old.id], ends[new.id]
    rested = here.moved_at is None or here.moved_at + COOLDOWN < datetime.now(UTC)
    return rested and here.moved_to == new.uri and old.uri in there.also_known_as


async def _take_along(run: Run, old: Standing, new: Standing, trace: str) -> None:
    before = await moves.followers_here(run.conn, old.id)
    people = await standing.standings(run.conn, [uri for uri, _ in before])
    going = {row.follower_id: (people[uri], row) for uri, row in before if _may_go(people[uri], new)}
    apart = await blocks.existing(
        run.conn, [pair for one in going for pair in ((one, new.id), (new.id, one))]
    )
    for pair in apart:
        going.pop(pair[0], None)
        going.pop(pair[1], None)
    if not going:
        return
    rows = {follower: _row(run, row, new) for follower, (_, row) in going.items()}
    for pair in await follows.insert(run.conn, list(rows.values())):
        _begin(run, going[pair[0]][0], new, rows[pair[0]], trace)
    for follower, row in going.values():
        emit.undo_follow(run, follower, old, row.uri, trace)
    await endings.end_follows(run, [(follower, old.id) for follower in going])


def _may_go(follower: Standing, new: Standing) -> bool:
    return not follower.gone and follower.id != new.id and (follower.federated or new.local)


def _row(run: Run, before: FollowRow, new: Standing) -> FollowRow:
    row_id = run.site.ids.next()
    # A remote account has to accept first.
    open_here = new.local and not new.locked
    return FollowRow(
        id=row_id,
        uri=run.site.uris.activity(row_id),
        follower_id=before.follower_id,
        followee_id=new.id,
        state=FollowState.ACCEPTED if open_here else FollowState.REQUESTED,
        show_reblogs=before.show_reblogs,
    )


def _begin(run: Run, follower: Standing, new: Standing, row: FollowRow, trace: str) -> None:
    if not new.local:
        emit.follow(run, follower, new, row.uri, trace)
    elif row.state is FollowState.ACCEPTED:
        run.counts.follow(follower.id, new.id)
        run.tell(new.id, "follow", follower.id)
        run.extend(follower.id)
    else:
        run.tell(new.id, "follow_request", follower.id)
