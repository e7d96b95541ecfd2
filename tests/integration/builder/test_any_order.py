"""Whatever the order in which activities arrive, the end is the same."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.protocol.activities import Activity
from shared.protocol.objects import Mention
from tests.builders import parsed
from tests.infrastructure import run_apart
from tests.integration.builder.conftest import open_stage
from tests.integration.builder.stage import Person, Stage
from tests.integration.builder.test_reactions import local_post

Story = list[Activity]


async def _cast(stage: Stage) -> tuple[Person, Person, str]:
    ada, edith = await stage.here(), await stage.away()
    await stage.follow(ada, edith)
    return ada, edith, await local_post(stage, ada)


def _tell(ada: Person, edith: Person, post: str) -> Story:
    """Return what happens, in its natural order.

    Nothing is done again after it was taken back, and nobody answers what is deleted: no server could tell
    that apart from an answer to something it never heard of.
    """
    kept, gone = parsed.note(edith.uri, hashtags=("a",)), parsed.note(edith.uri)
    reply = parsed.note(edith.uri, in_reply_to=kept.id, mentions=(Mention(href=ada.uri),))
    first = replace(kept, content="<p>1</p>", updated=parsed.WHEN + timedelta(minutes=1), hashtags=("b",))
    second = replace(kept, content="<p>2</p>", updated=parsed.WHEN + timedelta(minutes=2))
    like, boost = parsed.like(post, edith.uri), parsed.announce(post, edith.uri)
    follow = parsed.follow(edith.uri, ada.uri)
    return [
        parsed.create(kept),
        parsed.create(gone),
        parsed.create(reply),
        parsed.update(first),
        parsed.update(second),
        parsed.delete(gone.id, edith.uri),
        like,
        parsed.undo(like),
        boost,
        parsed.undo(boost),
        follow,
        parsed.undo(follow),
    ]


async def _end(stage: Stage, ada: Person, edith: Person) -> object:
    """Return all that is there in the end, without ids and times of this run."""
    posts = await stage.pool.fetch(
        """
        SELECT s.content, s.deleted_at IS NULL AS alive, s.replies_count, s.favourites_count,
               s.reblogs_count, p.content AS parent, s.reblog_of_id IS NOT NULL AS boost, s.edited_at,
               s.conversation_id = coalesce(p.conversation_id, s.id) AS together,
               ARRAY(SELECT e.content FROM status_edits e WHERE e.status_id = s.id ORDER BY 1) AS history,
               ARRAY(SELECT t.tag FROM status_tags t WHERE t.status_id = s.id ORDER BY 1) AS tags
          FROM statuses s LEFT JOIN statuses p ON p.id = s.in_reply_to_id AND p.deleted_at IS NULL
         WHERE s.actor_id = ANY($1::bigint[]) AND s.deleted_at IS NULL
         ORDER BY s.content, s.created_at, p.content
        """,
        [ada.id, edith.id],
    )
    actors = [await stage.actor(person) for person in (ada, edith)]
    counts = [
        (actor["followers_count"], actor["following_count"], actor["statuses_count"]) for actor in actors
    ]
    told = [kind for kind, _, _ in await stage.told(ada)]
    return [dict(post) for post in posts], counts, told, len(await stage.home(ada))


async def _play(url: str, order: Sequence[int], cuts: Sequence[int], doubled: Sequence[int]) -> object:
    async with open_stage(url) as stage:
        ada, edith, post = await _cast(stage)
        story = _tell(ada, edith, post)
        line = [story[place] for place in order]
        line += [line[place] for place in doubled]
        start = 0
        for end in [*sorted(cuts), len(line)]:
            if end > start:
                await stage.apply(*line[start:end])
                start = end
        return await _end(stage, ada, edith)


LENGTH = 12


@pytest.fixture(scope="module")
def in_order(database_url: str) -> object:
    """Return the end of the story told in its order, one activity after another."""
    places = list(range(LENGTH))
    return run_apart(_play(database_url, places, places, []))


@given(
    order=st.permutations(range(LENGTH)),
    cuts=st.lists(st.integers(0, LENGTH), max_size=LENGTH, unique=True),
    doubled=st.lists(st.integers(0, LENGTH - 1), max_size=3),
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
def test_any_order_ends_the_same(
    database_url: str, in_order: object, order: list[int], cuts: list[int], doubled: list[int]
) -> None:
    """Posts, edits, deletes, likes, boosts, follows and their Undos end alike in every order and batch."""
    assert run_apart(_play(database_url, order, cuts, doubled)) == in_order
