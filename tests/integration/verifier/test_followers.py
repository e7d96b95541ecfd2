"""Followers synchronisation (FEP-8fcf): what senders say of their followers here."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from services.signature_verifier import followers
from services.signature_verifier.followers import Repairs
from shared.actions.site import Site
from shared.protocol.activities import Undo
from shared.protocol.identifiers import PUBLIC, uri_hash
from shared.protocol.messages import AcceptedActivity, Codec
from shared.protocol.synchronization import HEADER, Synchronization, digest_of, write_synchronization
from shared.queue.topology import FANOUT_PLAN
from shared.signatures.form import examine_form, signed_headers
from tests.fakes.remote_actor import AS2, Json, RemoteActor
from tests.fakes.signing import Signing
from tests.integration.verifier.running import RunningVerifier
from tests.integration.world import World

OLD = "1 day"
NEW = "1 second"


def header(actor: RemoteActor, digest: bytes, **changes: str) -> Signing:
    """Return a signature that covers what the actor's server says of its followers here."""
    parts = {"collection": actor.followers, "url": f"{actor.id}/followers_synchronization", **changes}
    said = Synchronization(digest=digest, **parts)
    return Signing(extra=((HEADER, write_synchronization(said)),))


def private_post(actor: RemoteActor) -> Json:
    """Return the Create of a post for followers."""
    return actor.create(actor.note(to=[actor.followers], cc=[], serve=False))


async def follows(world: World, follower: int, followee: RemoteActor, state: int, age: str) -> None:
    """Have an account here follow a remote actor, or ask to, since a while ago."""
    known = await world.resolver.actor(followee.id)
    uri = f"{world.uris.actor(follower)}#{known.id}"
    await world.pool.execute(
        """
        INSERT INTO follows (follower_id, followee_id, state, uri, uri_hash, id, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, now() - $7::text::interval)
        """,
        follower,
        known.id,
        state,
        uri,
        uri_hash(uri),
        world.ids.next(),
        age,
    )


def lists(actor: RemoteActor, items: Sequence[str]) -> None:
    """Serve the actor's followers here, for us."""
    uri = f"{actor.id}/followers_synchronization"
    actor.host.serve(
        {"@context": AS2, "id": uri, "type": "OrderedCollection", "orderedItems": items}, secure=401
    )


async def due(world: World) -> list[str]:
    """Return the lists that are to be read, and let it be time for that."""
    await world.pool.execute("UPDATE follower_repairs SET due_at = now() WHERE due_at IS NOT NULL")
    rows = await world.pool.fetch("SELECT url FROM follower_repairs WHERE due_at IS NOT NULL")
    return [row["url"] for row in rows]


async def told(verifier: RunningVerifier, actor: RemoteActor, how: Signing) -> None:
    """Have an actor's post for followers come with a digest, and be accepted."""
    activity = private_post(actor)
    request = verifier.request(actor, activity, how)
    # The receiver passes on only what is signed.
    claim = examine_form(request.headers, "POST", request.body, request.received_at)
    await verifier.post(replace(request, headers=signed_headers(request.headers, claim)))
    await verifier.until_accepted(activity["id"])
    later = actor.activity("Like", "http://loom.localhost:8080/objects/1", to=[PUBLIC])
    await verifier.deliver(actor, later)
    await verifier.until_accepted(later["id"])


async def repair(world: World) -> None:
    """Repair what is due."""
    repairs = Repairs(world.pool, world.resolver, Site(uris=world.uris, ids=world.ids))
    while await repairs.once():
        continue


async def states(world: World) -> dict[int, int]:
    """Return who here follows anybody, and how far that has come."""
    rows = await world.pool.fetch("SELECT follower_id, state FROM follows")
    return {row["follower_id"]: row["state"] for row in rows}


async def undone(world: World) -> set[tuple[str, str]]:
    """Return whose follows are taken back at other servers, and of whom."""
    rows = await world.pool.fetch("SELECT payload FROM outbox WHERE queue = $1", FANOUT_PLAN)
    items = [item.activity for row in rows for item in Codec(AcceptedActivity).decode(row["payload"])]
    return {(one.actor, one.object) for one in items if isinstance(one, Undo) and one.undone_type == "Follow"}


async def test_difference_is_repaired_both_ways(verifier: RunningVerifier) -> None:
    """Who is not listed follows no longer, who asked and is listed is in, who only is listed is disowned."""
    world, nora = verifier.world, verifier.world.remote.host("birch").actor("nora")
    kept, dropped, asked, stranger, fresh = [
        await world.account(name) for name in ("kept", "dropped", "asked", "stranger", "fresh")
    ]
    for account, state, age in ((kept, 1, OLD), (dropped, 1, OLD), (asked, 0, OLD), (fresh, 1, NEW)):
        await follows(world, account, nora, state, age)
    lists(nora, [world.uris.actor(one) for one in (kept, asked, stranger)] + ["http://loom.localhost:8080/x"])
    await told(verifier, nora, header(nora, digest_of([world.uris.actor(kept)])))
    assert await due(world) == [f"{nora.id}/followers_synchronization"]
    await repair(world)
    assert await states(world) == {kept: 1, asked: 1, fresh: 1}
    assert await undone(world) == {(world.uris.actor(one), nora.id) for one in (dropped, stranger)}


async def test_one_list_an_hour(verifier: RunningVerifier) -> None:
    """However often an actor's server tells another digest, its list is read once."""
    world, nora = verifier.world, verifier.world.remote.host("birch").actor("nora")
    lists(nora, [])
    for _ in range(3):
        await told(verifier, nora, header(nora, digest_of(["http://loom.localhost:8080/users/1"])))
        await due(world)
        await repair(world)
    assert [path for path in nora.host.fetched if "synchronization" in path] == [
        f"/{nora.id.partition('://')[2].partition('/')[2]}/followers_synchronization"
    ]


@pytest.mark.parametrize("case", ["same", "another collection", "another host", "unsigned", "nonsense"])
async def test_what_says_nothing_new_or_nothing_of_its_own_is_ignored(
    verifier: RunningVerifier, case: str
) -> None:
    """Only an actor's own collection counts, read on its own host, told under its own signature."""
    world, nora = verifier.world, verifier.world.remote.host("birch").actor("nora")
    victim = world.remote.host("ash").actor("victim")
    ada = await world.account("ada")
    await follows(world, ada, nora, 1, OLD)
    other = digest_of(["http://loom.localhost:8080/users/1"])
    how = {
        "same": header(nora, digest_of([world.uris.actor(ada)])),
        "another collection": header(nora, other, collection=victim.followers),
        "another host": header(nora, other, url=f"{victim.id}/followers_synchronization"),
        "unsigned": Signing(
            covered=("(request-target)", "host", "date", "digest"), extra=header(nora, other).extra
        ),
        "nonsense": Signing(extra=((HEADER, "collectionId=1"),)),
    }[case]
    await told(verifier, nora, how)
    assert await due(world) == []


async def test_a_list_that_is_too_long_or_missing_repairs_nothing(
    verifier: RunningVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is dropped for a list that was not read to its end."""
    monkeypatch.setattr(followers, "MOST", 2)
    world, birch = verifier.world, verifier.world.remote.host("birch")
    ada = await world.account("ada")
    nora, olga = birch.actor("nora"), birch.actor("olga")
    for actor in (nora, olga):
        await follows(world, ada, actor, 1, OLD)
        await told(verifier, actor, header(actor, digest_of([])))
    lists(nora, [f"http://loom.localhost:8080/users/{number}" for number in (1, 2, 3)])
    assert len(await due(world)) == 2
    await repair(world)
    assert await states(world) == {ada: 1}
    assert await due(world) == []
