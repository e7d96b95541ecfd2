"""Whatever moves, dies, fails or comes twice: nothing is lost, and no host gets a post after its deletion."""

import asyncio
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.protocol.messages import Delivery, Target
from tests.unit.deliverer.modelled_shard import HOST, INBOX, KINDS, WHEN, Deliverer, Message, Place, check

POSTS = [
    (
        Delivery(
            activity_id=f"post{number}/{kind}",
            activity_type=kind,
            actor_id=number,
            body=b"{}",
            targets=(Target(inbox=INBOX, shared=True),),
            created_at=WHEN,
            trace="",
        ),
    )
    for number in range(2)
    for kind in KINDS
]
"""What two authors make, change and delete."""

ACTIONS = ("publish", "publish", "publish", "publish again", "take", "take", "take", "wait")
RARE = ("move", "kill", "freeze", "recover")


async def _play(place: Place, actions: Sequence[str]) -> None:
    """Carry these actions out, then let everything come to its end."""
    left, published = list(POSTS), list[Message]()
    working = Deliverer(place)
    for action in actions:
        if action == "publish" and left:
            published.append(left.pop(0))
            place.publish(published[-1])
        elif action == "publish again" and published:
            place.publish(published[-1])
        elif action == "take":
            working.take()
        elif action == "recover":
            await place.release()
        elif action in RARE:
            working = await _replaced(working, action)
        await place.pause()
    for message in left:
        place.publish(message)
    await _finish(place, working)


async def _replaced(working: Deliverer, action: str) -> Deliverer:
    if action == "freeze":
        return await working.freeze()
    await (working.leave() if action == "move" else working.die())
    return Deliverer(working.place)


async def _finish(place: Place, working: Deliverer) -> None:
    place.answers.clear()
    while place.queue or working.in_hand or place.has_parked:
        working.take()
        await asyncio.sleep(0)
        if not place.queue and not working.in_hand:
            await place.release()
    for frozen in place.frozen:
        await frozen.leave()


@settings(max_examples=200, deadline=None)
@given(
    actions=st.lists(st.one_of(st.sampled_from(ACTIONS), st.sampled_from(ACTIONS + RARE)), max_size=30),
    answers=st.lists(st.sampled_from([202, 202, 401, 503]), max_size=8),
    delays=st.lists(st.integers(0, 5), max_size=60),
)
def test_nothing_is_lost_and_no_post_comes_after_its_deletion(
    actions: list[str], answers: list[int], delays: list[int]
) -> None:
    """A host gets each deletion, nothing of a post after it, no edit before its post, and nothing twice.

    Only what somebody had sent and not recorded when he was killed or frozen may come again.
    """
    place = Place(answers, delays)
    asyncio.run(_play(place, actions))
    for number in range(2):
        check(place, HOST, f"post{number}")
