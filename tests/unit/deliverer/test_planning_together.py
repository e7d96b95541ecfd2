"""A batch of the plan queue is planned with few questions, however many activities are in it."""

from collections import Counter
from unittest.mock import patch

from shared.database import bulk, delivery_plans
from shared.protocol.activities import Activity
from tests.builders import parsed
from tests.unit.deliverer.modelled_plans import OUTSIDE, Around, Tables, planners
from tests.unit.deliverer.modelled_shard import HOST, Place

INBOXES = [f"https://{HOST}/inbox"]
ACTOR = f"{OUTSIDE}1"
POSTS = [f"post{number}" for number in range(20)]


def _created(post: str) -> Activity:
    return parsed.create(parsed.note(ACTOR, id=post), id=f"{post}/Create")


def _deleted(post: str) -> Activity:
    return parsed.delete(post, ACTOR, id=f"{post}/Delete")


async def _plan(tables: Tables, shares: list[str], activities: list[Activity]) -> Counter[str]:
    """Plan one batch; return how often each statement ran."""
    ran = Counter[str]()

    async def counted(name: str, *arguments: object) -> object:
        ran[name] += 1
        return await getattr(tables, name)(*arguments)

    def count(name: str) -> object:
        return lambda *arguments: counted(name, *arguments)

    queue = planners(tables, Around(INBOXES, shares)).queue
    with (
        tables.stand_in(),
        patch.object(delivery_plans, "precedent", count("precedent")),
        patch.object(delivery_plans, "precedents", count("precedents")),
        patch.object(bulk, "begin", count("begin")),
    ):
        await queue.plan([parsed.accepted(activity) for activity in activities])
    return ran


async def test_a_storm_of_deletions_asks_once() -> None:
    """Deletions of many posts are looked up together and left to the bulk together, in their order."""
    tables = Tables(Place([], []))
    await _plan(tables, ["spent"] * len(POSTS), [_created(post) for post in POSTS])
    ran = await _plan(tables, [], [_deleted(post) for post in POSTS])
    assert ran == {"precedents": 1, "begin": 1}
    waiting = [plan.sent.uri for plan in tables.plans.values()]
    assert waiting == [f"{post}/{kind}" for kind in ("Create", "Delete") for post in POSTS]


async def test_what_is_in_the_same_batch_is_found() -> None:
    """A deletion goes the way of the post before it in the same batch, which is written down by then."""
    tables = Tables(Place([], []))
    ran = await _plan(tables, ["spent"], [_created("post"), _deleted("post")])
    assert ran == {"precedent": 1, "begin": 2}
    assert [plan.sent.uri for plan in tables.plans.values()] == ["post/Create", "post/Delete"]
