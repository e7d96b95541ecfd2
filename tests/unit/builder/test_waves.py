"""The order in which a batch is applied."""

from hypothesis import given
from hypothesis import strategies as st

from services.timeline_builder.waves import LAST, STAGES, waves
from services.timeline_builder.work import AnyWork, Work
from shared.protocol.activities import Activity
from tests.builders import parsed

EDITH, WILL = "https://a.example/edith", "https://b.example/will"


def _works(*activities: Activity) -> list[AnyWork]:
    return [Work(parsed.accepted(activity), activity) for activity in activities]


def _activity(kind: int, actor: str) -> Activity:
    target = "https://loom.example/users/1"
    made: list[Activity] = [
        parsed.follow(actor, target),
        parsed.create(parsed.note(actor)),
        parsed.like(target, actor),
        parsed.undo(parsed.like(target, actor)),
        parsed.delete(target, actor),
    ]
    return made[kind]


def test_posts_of_many_actors_are_one_run() -> None:
    """A batch of posts is applied in one go, however many authors it has."""
    works = _works(*(parsed.create(parsed.note(actor)) for actor in (EDITH, WILL, EDITH)))
    assert waves(works) == [works]


def test_change_of_mind_starts_another_run() -> None:
    """Follow, Undo, Follow of one actor needs two runs; what others do stays in the first."""
    follow = parsed.follow(EDITH)
    works = _works(follow, parsed.undo(follow), parsed.follow(EDITH), parsed.follow(WILL))
    assert waves(works) == [[works[0], works[1], works[3]], [works[2]]]


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from([EDITH, WILL])), max_size=12))
def test_order_of_each_actor_is_kept(told: list[tuple[int, str]]) -> None:
    """Applied run by run and kind by kind, every actor's activities keep their order; none is lost."""
    works = _works(*(_activity(kind, actor) for kind, actor in told))
    applied = [
        work
        for run in waves(works)
        for work in sorted(run, key=lambda work: STAGES.get(type(work.activity), LAST))
    ]
    assert len(applied) == len(works)
    for actor in (EDITH, WILL):
        assert [w for w in applied if w.activity.actor == actor] == [
            w for w in works if w.activity.actor == actor
        ]
