"""Move: followers go along, if both accounts say so."""

import pytest

from services.timeline_builder.work import Outcome
from shared.database.follows import FollowState
from shared.protocol.activities import Follow, Move, Undo
from tests.integration.builder.stage import Person, Stage


def move(old: Person, new: Person, number: int = 1, actor: Person | None = None) -> Move:
    """Return the Move of an account."""
    actor = actor or old
    return Move(id=f"{actor.uri}#move-{number}-{new.id}", actor=actor.uri, object=old.uri, target=new.uri)


async def link(stage: Stage, old: Person, new: Person, *, there: bool = True, back: bool = True) -> None:
    """Have the old account name the new one, and the new one the old."""
    if there:
        await stage.pool.execute("UPDATE actors SET moved_to = $2 WHERE id = $1", old.id, new.uri)
    if back:
        await stage.pool.execute("UPDATE actors SET also_known_as = $2 WHERE id = $1", new.id, [old.uri])


async def test_followers_go_along(stage: Stage) -> None:
    """Who follows the old account asks to follow the new one and takes leave of the old."""
    ada, old, new = await stage.here(), await stage.away(), await stage.away()
    await stage.follow(ada, old)
    await link(stage, old, new)
    assert await stage.apply(move(old, new)) == [Outcome.APPLIED]
    assert await stage.follows(ada, new) is FollowState.REQUESTED
    assert await stage.follows(ada, old) is None
    (asked,) = await stage.sent(new)
    assert isinstance(asked, Follow)
    assert (asked.actor, asked.object) == (ada.uri, new.uri)
    (undone,) = await stage.sent(old)
    assert isinstance(undone, Undo)
    assert (await stage.actor(ada))["following_count"] == 0
    assert await stage.pool.fetchval("SELECT target_id FROM moves WHERE actor_id = $1", old.id) == new.id


@pytest.mark.parametrize(("there", "back"), [(True, False), (False, True), (False, False)])
async def test_both_ends_have_to_say_so(stage: Stage, *, there: bool, back: bool) -> None:
    """A Move that either account does not confirm has no effect."""
    ada, old, new = await stage.here(), await stage.away(), await stage.away()
    await stage.follow(ada, old)
    await link(stage, old, new, there=there, back=back)
    assert await stage.apply(move(old, new)) == [Outcome.NOT_PERMITTED]
    assert await stage.follows(ada, old) is FollowState.ACCEPTED
    assert await stage.follows(ada, new) is None


async def test_nobody_moves_another(stage: Stage) -> None:
    """A Move by anybody else than the account itself has no effect."""
    ada, old, new = await stage.here(), await stage.away(), await stage.away()
    await stage.follow(ada, old)
    await stage.follow(ada, new)
    await link(stage, old, new)
    assert await stage.apply(move(old, new, actor=new)) == [Outcome.NOT_PERMITTED]
    assert await stage.follows(ada, old) is FollowState.ACCEPTED


async def test_who_moved_stays_for_a_month(stage: Stage) -> None:
    """A second Move within thirty days has no effect, a later one has."""
    ada, grace, old = await stage.here(), await stage.here(), await stage.away()
    first, second = await stage.away(), await stage.away()
    await stage.follow(ada, old)
    await link(stage, old, first)
    await stage.apply(move(old, first))
    await stage.follow(grace, old)
    await link(stage, old, second)
    assert await stage.apply(move(old, second)) == [Outcome.NOT_PERMITTED]
    assert await stage.follows(grace, old) is FollowState.ACCEPTED
    await stage.pool.execute("UPDATE moves SET moved_at = now() - interval '31 days'")
    assert await stage.apply(move(old, second, 2)) == [Outcome.APPLIED]
    assert await stage.follows(grace, second) is FollowState.REQUESTED


async def test_who_is_blocked_is_not_followed(stage: Stage) -> None:
    """Who blocks the new account, or does not share, stays with the old one."""
    ada, closed, old, new = (
        await stage.here(),
        await stage.here(federated=False),
        await stage.away(),
        await stage.away(),
    )
    for person in (ada, closed):
        await stage.follow(person, old)
    await stage.pool.execute(
        "INSERT INTO blocks (actor_id, target_id, uri, uri_hash, id) VALUES ($1, $2, '', $3, 1)",
        ada.id,
        new.id,
        str(ada.id).encode(),
    )
    await link(stage, old, new)
    await stage.apply(move(old, new))
    for person in (ada, closed):
        assert await stage.follows(person, new) is None
        assert await stage.follows(person, old) is FollowState.ACCEPTED
    assert await stage.sent(new) == []


async def test_move_to_an_account_here(stage: Stage) -> None:
    """An account that moves here brings its followers here at once; a locked one is asked."""
    for locked in (False, True):
        ada, old, new = await stage.here(), await stage.away(), await stage.here(locked=locked)
        await stage.follow(ada, old)
        await link(stage, old, new)
        await stage.apply(move(old, new))
        expected = FollowState.REQUESTED if locked else FollowState.ACCEPTED
        assert await stage.follows(ada, new) is expected
        assert await stage.told(new) == [("follow_request" if locked else "follow", ada.id, None)]
        assert (await stage.actor(new))["followers_count"] == (0 if locked else 1)


async def test_move_that_concerns_nobody_here(stage: Stage) -> None:
    """Without followers here nothing is noted."""
    old, new = await stage.away(), await stage.away()
    await link(stage, old, new)
    assert await stage.apply(move(old, new)) == [Outcome.UNCONCERNED]
