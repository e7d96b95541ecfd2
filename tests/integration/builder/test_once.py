"""Exactly-once effect: copies, replicas, races, and what a failure leaves behind."""

import asyncio

import pytest
from msgspec.structs import replace

from services.timeline_builder import apply
from services.timeline_builder.apply import apply_batch
from services.timeline_builder.work import Outcome
from shared.actions.site import Site
from shared.database.pool import Pool, create_pool
from shared.database.worker_ids import id_generator
from shared.protocol.activities import Activity, Like
from shared.protocol.objects import Mention
from tests.builders import parsed
from tests.integration.builder.stage import Stage
from tests.integration.builder.test_reactions import local_post


async def test_second_copy_is_ignored(stage: Stage) -> None:
    """An activity delivered twice, in one batch or in two, shows up once."""
    ada, edith = await stage.here(), await stage.away()
    await stage.follow(ada, edith)
    create = parsed.create(parsed.note(edith.uri))
    assert await stage.apply(create, create) == [Outcome.APPLIED, Outcome.REPEATED]
    assert await stage.apply(create) == [Outcome.REPEATED]
    assert (await stage.actor(edith))["statuses_count"] == 1


async def test_hundred_copies_over_replicas_have_one_effect(stage: Stage, database_url: str) -> None:
    """The same activities 100 times, at once over four replicas: one row, one entry, one Accept each."""
    ada, edith = await stage.here(), await stage.away()
    await stage.follow(ada, edith)
    post = await local_post(stage, ada)
    note = parsed.note(edith.uri, mentions=(Mention(href=ada.uri),))
    activities: list[Activity] = [
        parsed.follow(edith.uri, ada.uri),
        parsed.create(note),
        parsed.like(post, edith.uri),
        parsed.announce(post, edith.uri),
    ]
    pools = [await create_pool(database_url, max_size=5, application_name="replica") for _ in range(4)]
    sites = [await _site(stage, pool) for pool in pools]
    outcomes = await asyncio.gather(
        *(
            apply_batch(pools[n % 4], sites[n % 4], [parsed.accepted(a) for a in activities])
            for n in range(100)
        )
    )
    for pool in pools:
        await pool.close()
    for place in range(len(activities)):
        assert [batch[place] for batch in outcomes].count(Outcome.APPLIED) == 1
    assert sorted(await stage.home(ada)) == sorted([post, note.id])
    assert len(await stage.told(ada)) == 4
    assert len(await stage.sent(edith)) == 1
    row, me = await stage.post(post), await stage.actor(ada)
    assert row is not None
    assert (row["favourites_count"], row["reblogs_count"], me["followers_count"]) == (1, 1, 1)


async def _site(stage: Stage, pool: Pool) -> Site:
    async with pool.acquire() as conn:
        return Site(uris=stage.site.uris, ids=await id_generator(conn))


async def test_claim_holds_across_midnight(stage: Stage) -> None:
    """A copy that comes on another day than the first is still a copy."""
    ada, edith = await stage.here(), await stage.away()
    await stage.follow(ada, edith)
    create = parsed.create(parsed.note(edith.uri))
    await stage.apply(create)
    await stage.pool.execute("UPDATE claims SET day = day - 1 WHERE activity_uri = $1", create.id)
    assert await stage.apply(create) == [Outcome.REPEATED]


@pytest.mark.parametrize("kind", ["like", "follow", "post", "reply"])
async def test_racing_transactions_see_each_other(stage: Stage, database_url: str, kind: str) -> None:
    """An activity and what belongs to it, applied at the same moment by two replicas, end as in order."""
    ada, edith = await stage.here(), await stage.away()
    await stage.follow(ada, edith)
    own = await local_post(stage, ada)
    pools = [await create_pool(database_url, max_size=1, application_name="replica") for _ in range(2)]
    for _ in range(15):
        note = parsed.note(edith.uri)
        like, follow = parsed.like(own, edith.uri), parsed.follow(edith.uri, ada.uri)
        reply = parsed.note(edith.uri, in_reply_to=note.id)
        pair: dict[str, tuple[Activity, Activity]] = {
            "like": (like, parsed.undo(like)),
            "follow": (follow, parsed.undo(follow)),
            "post": (parsed.create(note), parsed.delete(note.id, edith.uri)),
            "reply": (parsed.create(note), parsed.create(reply)),
        }
        await asyncio.gather(
            *(
                apply_batch(pool, stage.site, [parsed.accepted(activity)])
                for pool, activity in zip(pools, pair[kind], strict=True)
            )
        )
        if kind == "reply":
            parent, child = await stage.post(note.id), await stage.post(reply.id)
            assert parent is not None
            assert child is not None
            assert (child["in_reply_to_id"], parent["replies_count"]) == (parent["id"], 1)
    row, me = await stage.post(own), await stage.actor(ada)
    assert row is not None
    assert (row["favourites_count"], me["followers_count"]) == (0, 0)
    if kind != "reply":
        assert await stage.home(ada) == [own]
    for pool in pools:
        await pool.close()


async def test_failed_batch_leaves_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """When one activity of a batch fails, none has had an effect, and all can be applied afterwards."""
    ada, edith = await stage.here(), await stage.away()
    await stage.follow(ada, edith)
    create, like = parsed.create(parsed.note(edith.uri)), parsed.like("https://x.example/1", edith.uri)

    async def fail(*_: object) -> None:
        raise RuntimeError("poison")

    with monkeypatch.context() as patch:
        patch.setitem(apply.HANDLERS, Like, fail)
        with pytest.raises(RuntimeError, match="poison"):
            await stage.apply(create, like)
    assert await stage.home(ada) == []
    assert await stage.apply(create) == [Outcome.APPLIED]


async def test_order_of_an_actor_is_kept_within_a_batch(stage: Stage) -> None:
    """Follow, Undo and Follow again in one batch end in a follow."""
    ada, edith = await stage.here(), await stage.away()
    first, second = parsed.follow(edith.uri, ada.uri), parsed.follow(edith.uri, ada.uri)
    assert await stage.apply(first, parsed.undo(first), second) == [Outcome.APPLIED] * 3
    assert (await stage.actor(ada))["followers_count"] == 1


async def test_activity_without_an_id_is_claimed_by_its_contents(stage: Stage) -> None:
    """Two activities without an id are two, unless they say the same."""
    _, edith = await stage.here(), await stage.away()
    create = replace(parsed.create(parsed.note(edith.uri)), id="")
    one, other = (parsed.accepted(create, digest=digest) for digest in (b"1", b"2"))
    outcomes = await stage.apply(one, other, one)
    assert outcomes[2] is Outcome.REPEATED
    assert outcomes[1] is not Outcome.REPEATED
