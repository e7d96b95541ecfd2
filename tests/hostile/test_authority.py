"""Activities that are authentic, and say what their actor may not say."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from shared.database.domain_blocks import DomainBlock, put, remove
from tests.fakes.remote_actor import PUBLIC, Json, RemoteActor
from tests.fakes.signing import Outgoing, Signing, signed_headers
from tests.hostile.arena import RECEIVER, REJECTED, Arena, Shot
from tests.hostile.verdicts import Harmless, Rejected, Verdict, harmless, rejected
from tests.infrastructure import eventually

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="session")]

Attack = Callable[[Arena], Coroutine[Any, Any, Shot]]


def by_mallory(compose: Callable[[Arena, RemoteActor, RemoteActor, Json], Json]) -> Attack:
    """Have mallory say something; `compose` gets mallory, a victim known here, and a post of hers."""

    async def make(arena: Arena) -> Shot:
        victim = arena.somebody("victim")
        create = arena.post_of(victim)
        assert await arena.hear(victim, create) == "applied"
        mallory = await arena.known(arena.somebody("mallory"))
        note = create["object"]
        assert isinstance(note, dict)
        victim.host.fetched.clear()
        return arena.shot(mallory, compose(arena, mallory, victim, note), watch=(victim.host,))

    return make


def _follow(actor: str, target: str) -> Json:
    return {"type": "Follow", "id": f"{actor}#follow", "actor": actor, "object": target}


AWAY = "https://elsewhere.example/activities/1"

ATTACKS: dict[str, tuple[Attack, Verdict]] = {
    "an id on another host": (
        by_mallory(lambda a, m, _v, _n: a.post_of(m) | {"id": AWAY}),
        rejected("id_elsewhere", fetches=0),
    ),
    "an id on the victim's host": (
        by_mallory(lambda a, m, v, _n: a.post_of(m) | {"id": f"{v.host.origin}/activities/taken"}),
        rejected("id_elsewhere", fetches=0),
    ),
    "an id on our host": (
        by_mallory(lambda a, m, _v, _n: a.post_of(m) | {"id": f"{a.site.origin}/activities/1"}),
        rejected("id_elsewhere", fetches=0),
    ),
    "an actor of ours": (
        by_mallory(
            lambda a, m, _v, _n: (
                m.activity("Like", m.id) | {"actor": a.ada_uri, "id": f"{a.ada_uri}#like{a.unique()}"}
            )
        ),
        rejected("local_actor", fetches=0),
    ),
    "in the victim's name": (
        by_mallory(lambda a, _m, v, _n: a.post_of(v)),
        rejected("signer_not_actor", fetches=0),
    ),
    "a post on another host": (
        by_mallory(lambda _a, m, v, _n: m.create(m.note(serve=False, id=f"{v.host.origin}/notes/new"))),
        rejected("object_elsewhere", "id_elsewhere", fetches=0),
    ),
    "a post of the victim's": (
        by_mallory(lambda _a, m, v, _n: m.create(m.note(serve=False, attributedTo=v.id))),
        rejected("attributed_elsewhere", fetches=0),
    ),
    "an edit of the victim's post": (
        by_mallory(lambda _a, m, _v, n: m.activity("Update", n | {"content": "owned"})),
        rejected("attributed_elsewhere", fetches=0),
    ),
    "an edit that takes the victim's post over": (
        by_mallory(lambda _a, m, _v, n: m.activity("Update", n | {"attributedTo": m.id})),
        rejected("object_elsewhere", fetches=0),
    ),
    "an edit of the victim's profile": (
        by_mallory(lambda _a, m, v, _n: m.activity("Update", v.document())),
        rejected("not_itself", fetches=0),
    ),
    "a deletion of the victim's post": (
        by_mallory(lambda _a, m, _v, n: m.activity("Delete", n["id"])),
        rejected("object_elsewhere", fetches=0),
    ),
    "a deletion of the victim": (
        by_mallory(lambda _a, m, v, _n: m.activity("Delete", v.id)),
        rejected("object_elsewhere", fetches=0),
    ),
    "a deletion of a post of ours": (
        by_mallory(lambda a, m, _v, _n: m.activity("Delete", f"{a.site.origin}/objects/1")),
        rejected("object_elsewhere", fetches=0),
    ),
    "an Undo of the victim's follow": (
        by_mallory(lambda a, m, v, _n: m.activity("Undo", _follow(v.id, a.ada_uri))),
        rejected("actor_mismatch", fetches=0),
    ),
    "an Accept of a Follow never sent": (
        by_mallory(lambda a, m, _v, _n: m.activity("Accept", _follow(a.ada_uri, m.id))),
        harmless("unknown_object"),
    ),
    "a post pinned for the victim": (
        by_mallory(
            lambda _a, m, v, n: m.activity("Add", n["id"]) | {"target": f"{v.id}/collections/featured"}
        ),
        harmless("not_supported", "not_permitted", "unknown_object"),
    ),
    "a post unpinned for the victim": (
        by_mallory(
            lambda _a, m, v, n: m.activity("Remove", n["id"]) | {"target": f"{v.id}/collections/featured"}
        ),
        harmless("not_supported", "not_permitted", "unknown_object"),
    ),
    "a post of the victim's pinned as one's own": (
        by_mallory(
            lambda _a, m, _v, n: m.activity("Add", n["id"]) | {"target": f"{m.id}/collections/featured"}
        ),
        harmless("not_supported", "not_permitted", "unknown_object"),
    ),
    "an Undo of the victim's share": (
        by_mallory(
            lambda _a, m, v, n: m.activity(
                "Undo", {"type": "Announce", "id": f"{v.id}#share", "actor": v.id, "object": n["id"]}
            )
        ),
        rejected("actor_mismatch", fetches=0),
    ),
    "an Undo of the victim's Create by its id": (
        by_mallory(lambda _a, m, _v, n: m.activity("Undo", f"{n['id']}/activity")),
        harmless("waiting", "unknown_object", "not_permitted", "not_supported"),
    ),
    "a Move of the victim": (
        by_mallory(lambda _a, m, v, _n: m.activity("Move", v.id) | {"target": m.id}),
        harmless("not_permitted"),
    ),
    "a poll of the victim's closed": (
        by_mallory(lambda _a, m, v, n: m.activity("Update", {**n, "type": "Question", "attributedTo": v.id})),
        rejected("attributed_elsewhere", fetches=0),
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_nobody_speaks_for_another(arena: Arena, attack: str) -> None:
    """Each is rejected with its reason or has no effect, and asks nobody anything."""
    make, verdict = ATTACKS[attack]
    if isinstance(verdict, Harmless):
        await verdict.holds(arena, make)
        return
    assert isinstance(verdict, Rejected)
    shot = await make(arena)
    victims_post = shot.note if not shot.note.startswith(str(shot.activity["actor"])) else ""
    before = await arena.has_post(victims_post)

    answer = await arena.fire(shot)
    assert answer.status == 202

    async def refused() -> bool:
        return bool((await arena.journey(shot.id)).refused)

    await eventually(refused, "the refusal")
    journey = await arena.journey(shot.id)
    assert journey.refused[-1].reason in verdict.reasons
    assert not journey.applied
    assert await arena.has_post(victims_post) == before
    assert [host.fetched for host in shot.watched[1:]] == [[]]


async def test_the_victims_things_are_as_they_were(arena: Arena) -> None:
    """After an edit, a deletion and a takeover by somebody else, post, author and follow are unchanged."""
    victim, mallory = arena.somebody("victim"), await arena.known(arena.somebody("mallory"))
    create = arena.post_of(victim, "<p>Mine</p>")
    assert await arena.hear(victim, create) == "applied"
    note = create["object"]
    assert isinstance(note, dict)
    forged = [
        mallory.activity("Update", note | {"content": "owned"}),
        mallory.activity("Update", note | {"content": "owned", "attributedTo": mallory.id}),
        mallory.activity("Delete", note["id"]),
        mallory.activity("Delete", victim.id),
        mallory.activity("Update", victim.document() | {"name": "owned"}),
    ]
    for activity in forged:
        assert (await arena.fire(arena.shot(mallory, activity))).status == 202

    async def all_refused() -> bool:
        journeys = [await arena.journey(activity["id"]) for activity in forged]
        return all(journey.refused for journey in journeys)

    await eventually(all_refused, "the forgeries to be refused")
    assert await arena.content(note["id"]) == "<p>Mine</p>"
    assert await arena.has_post(note["id"])
    name = await arena.pool.fetchval("SELECT display_name FROM actors WHERE uri = $1", victim.id)
    assert name == "Victim"


async def test_a_post_by_two_is_its_signers(arena: Arena) -> None:
    """A post that names a victim beside its signer as author is stored as the signer's."""
    victim, mallory = await arena.known(arena.somebody("victim")), arena.somebody("mallory")
    create = arena.post_of(mallory, attributedTo=[victim.id, mallory.id])
    assert await arena.hear(mallory, create) == "applied"
    query = "SELECT a.uri FROM statuses s JOIN actors a ON a.id = s.actor_id WHERE s.uri = $1"
    assert await arena.pool.fetchval(query, str(create["id"]).removesuffix("/activity")) == mallory.id


async def followed(arena: Arena, actor: RemoteActor) -> Json:
    """Have ada ask to follow somebody; return the Follow that arrives there."""
    found = await arena.api("GET", "/api/v2/search", q=actor.acct, resolve="true", type="accounts")
    account = found["accounts"][0]  # type: ignore[index]  # as the API has it
    await arena.api("POST", f"/api/v1/accounts/{account['id']}/follow")
    return (await actor.host.wait_for("Follow")).activity


async def test_only_who_is_followed_accepts(arena: Arena) -> None:
    """An Accept of ada's Follow by another than whom she follows leaves the Follow waiting."""
    victim, mallory = arena.somebody("victim"), await arena.known(arena.somebody("mallory"))
    follow = await followed(arena, victim)
    query = "SELECT state FROM follows WHERE uri = $1"
    for forged in (mallory.activity("Accept", follow), mallory.activity("Accept", follow["id"])):
        assert await arena.hear(mallory, forged) in {"not_permitted", "unknown_object"}
        assert await arena.pool.fetchval(query, follow["id"]) == 0
    assert await arena.hear(victim, victim.activity("Accept", follow)) == "applied"
    assert await arena.pool.fetchval(query, follow["id"]) == 1


async def test_nobody_moves_followers_to_who_did_not_agree(arena: Arena) -> None:
    """A Move to an account that does not list the old one makes nobody follow it."""
    victim, mallory = await arena.known(arena.somebody("victim")), arena.somebody("mallory")
    follow = await followed(arena, mallory)
    assert await arena.hear(mallory, mallory.activity("Accept", follow)) == "applied"
    mallory.host.serve(mallory.document() | {"movedTo": victim.id}, at=mallory.id)
    move = mallory.activity("Move", mallory.id) | {"target": victim.id}
    assert (await arena.fire(arena.shot(mallory, move))).status == 202
    assert await arena.outcome(move["id"]) == "not_permitted"
    query = "SELECT count(*) FROM follows f JOIN actors a ON a.id = f.followee_id WHERE a.uri = $1"
    assert await arena.pool.fetchval(query, victim.id) == 0
    assert victim.host.activities("Follow") == []


async def test_what_is_embedded_in_a_share_is_not_believed(arena: Arena) -> None:
    """A share with a post in it leads to the post as its own server has it."""
    nora, mallory = arena.somebody(), arena.somebody("mallory")
    note = nora.note("<p>What I wrote</p>")
    announce = mallory.activity(
        "Announce", note | {"content": "<p>owned</p>"}, to=[PUBLIC], cc=[arena.ada_uri]
    )
    assert (await arena.fire(arena.shot(mallory, announce))).status == 202
    await arena.outcome(announce["id"])
    stored = await arena.pool.fetch("SELECT content FROM statuses WHERE uri = $1", note["id"])
    assert all(row["content"] == "<p>What I wrote</p>" for row in stored)


@pytest.mark.parametrize("second", ["Create", "Update"])
async def test_what_was_deleted_stays_deleted(arena: Arena, second: str) -> None:
    """A Create or an Update after the Delete does not bring a post back."""
    nora = arena.somebody()
    create = arena.post_of(nora)
    note = create["object"]
    assert isinstance(note, dict)
    assert await arena.hear(nora, create) == "applied"
    assert await arena.hear(nora, nora.activity("Delete", note["id"])) == "applied"
    again = nora.activity(second, note | {"updated": "2030-01-01T00:00:00Z"}, to=note["to"], cc=note["cc"])
    await arena.hear(nora, again)
    assert not await arena.has_post(note["id"])


async def test_nothing_forged_is_in_the_way_of_the_real_thing(arena: Arena) -> None:
    """Activities under the id of one to come, badly signed or another's, do not keep it from counting."""
    nora, mallory = await arena.known(arena.somebody()), await arena.known(arena.somebody("mallory"))
    create = arena.post_of(nora, "<p>Mine</p>")
    changed = create | {"object": {**create["object"], "content": "<p>owned</p>"}}  # type: ignore[dict-item]
    forged = nora.host.encode(changed)
    headers = signed_headers(Signing(), Outgoing("POST", arena.inbox, forged), nora.key_id, mallory.rsa)
    for shot in (
        arena.shot(nora, changed, headers=headers),
        arena.shot(mallory, changed),
        arena.shot(mallory, mallory.activity("Like", nora.id) | {"id": create["id"]}),
    ):
        assert (await arena.fire(shot)).status == 202

    async def all_refused() -> bool:
        return len((await arena.journey(create["id"])).refused) == 3

    await eventually(all_refused, "the forgeries to be refused")
    assert (await arena.fire(arena.shot(nora, create))).status == 202

    async def applied() -> bool:
        return [row.outcome for row in (await arena.journey(create["id"])).applied] == ["applied"]

    await eventually(applied, "the real one to be applied")
    note = create["object"]
    assert isinstance(note, dict)
    assert await arena.content(note["id"]) == "<p>Mine</p>"


async def test_a_replay_has_no_second_effect(arena: Arena) -> None:
    """The same request fifty times at once is answered 202 each time and counts once."""
    nora = await arena.known(arena.somebody())
    create = arena.post_of(nora)
    shot = arena.shot(nora, create)
    answers = await asyncio.gather(*(arena.fire(shot) for _ in range(50)))
    assert {answer.status for answer in answers} == {202}
    assert await arena.outcome(create["id"]) == "applied"
    assert len((await arena.journey(create["id"])).applied) == 1
    query = "SELECT count(*) FROM statuses WHERE uri = $1"
    assert await arena.pool.fetchval(query, shot.note) == 1


async def test_an_undo_before_its_follow_wins(arena: Arena) -> None:
    """Whoever takes a follow back before it arrives does not follow in the end."""
    nora = await arena.known(arena.somebody())
    follow = nora.activity("Follow", arena.ada_uri)
    await arena.hear(nora, nora.activity("Undo", follow))
    await arena.hear(nora, follow)
    query = "SELECT count(*) FROM follows f JOIN actors a ON a.id = f.follower_id WHERE a.uri = $1"
    assert await arena.pool.fetchval(query, nora.id) == 0


async def test_nothing_comes_in_from_a_blocked_domain(arena: Arena) -> None:
    """A blocked domain and all below it are refused at the door, and nothing of them is stored or asked."""
    domain = f"b{arena.unique()}.blocked.example"
    above, below = arena.under(domain, "127.0.0.1"), arena.under(f"deep.below.{domain}", "127.0.0.1")
    async with arena.pool.acquire() as conn:
        await put(conn, [DomainBlock(domain=domain, severity="suspend")])
    try:
        for host in (above, below):
            mallory = host.actor("mallory")

            async def refused(mallory: RemoteActor = mallory) -> bool:
                return (await arena.fire(arena.shot(mallory, arena.post_of(mallory)))).status == 403

            await eventually(refused, "the block to be noticed")
            assert await arena.count(RECEIVER, REJECTED, reason="domain_blocked") > 0
        # The domain itself may have been heard until the block was noticed; what is below it never was.
        assert below.fetched == []
    finally:
        async with arena.pool.acquire() as conn:
            await remove(conn, [domain])
