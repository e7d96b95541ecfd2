"""Ending relations and likes and boosts, each with all that hangs on it.

Every function takes (actor, other side) and returns those that were there; the rest may have been ended
by their author's own request, so timelines and notifications follow either way.
"""

from collections.abc import Iterable, Sequence

from services.timeline_builder.effects import Run
from shared.database import blocks, favourites, follows, statuses, tombstones
from shared.database.follows import FollowState

Pair = tuple[int, int]


async def end_follows(run: Run, pairs: Sequence[Pair]) -> set[Pair]:
    """End follows: they are not counted any more, and the timelines of followers here lose the posts."""
    ended: set[Pair] = set()
    for row in await follows.remove(run.conn, pairs):
        ended.add((row.follower_id, row.followee_id))
        if row.state is FollowState.ACCEPTED:
            run.counts.follow(row.follower_id, row.followee_id, by=-1)
    for follower, followee in pairs:
        run.withdraw(followee, "follow", follower)
        run.withdraw(followee, "follow_request", follower)
        run.prune(follower)
    return ended


async def end_likes(run: Run, pairs: Sequence[Pair]) -> set[Pair]:
    """Take likes back."""
    ended: set[Pair] = set()
    for row in await favourites.remove(run.conn, pairs):
        ended.add((row.actor_id, row.status_id))
        run.counts.favourite(row.status_id, by=-1)
    for actor, status in pairs:
        run.withdraw_about("favourite", actor, status)
    return ended


async def end_blocks(run: Run, pairs: Sequence[Pair]) -> set[Pair]:
    """Lift blocks; timelines take in again what others boost of the other side."""
    ended = {(row.actor_id, row.target_id) for row in await blocks.remove(run.conn, pairs)}
    for actor, target in pairs:
        run.extend(actor)
        run.extend(target)
    return ended


async def end_boosts(run: Run, pairs: Sequence[Pair]) -> set[Pair]:
    """Take boosts back."""
    boosts = await statuses.boosts_by(run.conn, pairs)
    await bury(run, boosts.values())
    for actor, status in pairs:
        run.withdraw_about("reblog", actor, status)
    return set(boosts)


async def bury(run: Run, status_ids: Iterable[int], *, gone: bool = False) -> None:
    """Make tombstones of posts and boosts; where they are `gone` already, mend what that left."""
    ids = list(status_ids)
    if not ids:
        return
    removed = await tombstones.bury(run.conn, ids, run.counts, gone=gone)
    buried = {*ids, *(row.id for row in removed)}
    run.forget_posts(buried)
    run.changes.remove(buried)
