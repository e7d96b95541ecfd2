"""Who may say what."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.database import actors
from shared.database.domain_blocks import DomainBlock, put
from shared.protocol.activities import Create
from shared.queue.topology import INBOX_UNRESOLVED
from tests.fakes.remote_actor import Json, RemoteActor
from tests.fakes.signing import Signing
from tests.infrastructure import eventually
from tests.integration.verifier.running import RunningVerifier


@pytest.fixture
def nora(verifier: RunningVerifier) -> RemoteActor:
    """Return an honest remote actor."""
    return verifier.world.remote.host("birch").actor("nora")


@pytest.fixture
def mallory(verifier: RunningVerifier) -> RemoteActor:
    """Return a dishonest one, on another host."""
    return verifier.world.remote.host("ash").actor("mallory")


async def test_activity_of_another_actor_is_refused(
    verifier: RunningVerifier, nora: RemoteActor, mallory: RemoteActor
) -> None:
    """A good signature by another actor proves nothing."""
    for forged in (nora.create(), nora.activity("Like", nora.uri()), nora.activity("Delete", nora.id)):
        await verifier.deliver(mallory, forged)
        assert (await verifier.until_refused(forged["id"])).reason == "signer_not_actor"


async def test_forged_delete_of_a_known_actor_is_refused(
    verifier: RunningVerifier, nora: RemoteActor, mallory: RemoteActor
) -> None:
    """Nobody deletes another's account."""
    for honest, signer in ((nora.create(), nora), (mallory.create(), mallory)):
        await verifier.deliver(signer, honest)
        await verifier.until_accepted(honest["id"])
    forged = nora.activity("Delete", nora.id)
    await verifier.deliver(mallory, forged)
    assert (await verifier.until_refused(forged["id"])).reason == "signer_not_actor"


async def test_id_on_another_host_is_refused_without_a_fetch(
    verifier: RunningVerifier, nora: RemoteActor
) -> None:
    """An activity's id belongs to its actor's origin, or a stranger could use it up."""
    stolen = nora.activity("Like", "https://a.example/1", id="https://victim.example/activities/1")
    await verifier.deliver(nora, stolen)
    assert (await verifier.until_refused(stolen["id"])).reason == "id_elsewhere"
    assert nora.host.fetched == []


@pytest.mark.parametrize(
    ("part", "reason"), [("attributedTo", "attributed_elsewhere"), ("id", "object_elsewhere")]
)
async def test_post_of_another_is_refused(
    verifier: RunningVerifier, nora: RemoteActor, mallory: RemoteActor, part: str, reason: str
) -> None:
    """Nobody creates a post that is another's, or that lives on another's host."""
    wrong = {"attributedTo": nora.id, "id": nora.uri("notes")}[part]
    note = mallory.note(serve=False) | {part: wrong}
    create = mallory.activity("Create", note)
    await verifier.deliver(mallory, create)
    assert (await verifier.until_refused(create["id"])).reason == reason


async def test_profile_of_another_is_refused(
    verifier: RunningVerifier, nora: RemoteActor, mallory: RemoteActor
) -> None:
    """An actor updates no profile but its own."""
    update = mallory.activity("Update", nora.document())
    await verifier.deliver(mallory, update)
    assert (await verifier.until_refused(update["id"])).reason == "not_itself"


async def test_local_actor_is_never_believed_from_outside(
    verifier: RunningVerifier, mallory: RemoteActor
) -> None:
    """Nobody speaks for an actor of this site over HTTP."""
    actor = verifier.world.uris.actor(await verifier.world.account("ada"))
    forged: Json = mallory.activity("Follow", mallory.id) | {"actor": actor, "id": f"{actor}#follow"}
    await verifier.deliver(mallory, forged)
    assert (await verifier.until_refused(forged["id"])).reason == "local_actor"


async def test_suspended_domain_is_dropped_without_a_fetch(
    verifier: RunningVerifier, nora: RemoteActor
) -> None:
    """Nothing is taken from a suspended domain or its subdomains, and nothing is fetched there."""
    async with verifier.world.pool.acquire() as conn:
        await put(conn, [DomainBlock(domain="localhost", severity="suspend")])
    create = nora.create()
    await verifier.deliver(nora, create)
    assert (await verifier.until_refused(create["id"])).reason == "domain_blocked"
    assert nora.host.fetched == []


async def test_reply_that_was_passed_on_is_fetched_from_its_author(
    verifier: RunningVerifier, nora: RemoteActor, mallory: RemoteActor
) -> None:
    """A reply that another server forwards is taken as the author's server has it, not as it was told."""
    note = nora.note("<p>What I wrote</p>", inReplyTo="https://thread.example/1")
    told = nora.create(note | {"content": "<p>What mallory says I wrote</p>"})
    await verifier.deliver(mallory, told)
    (accepted,) = await verifier.until_accepted(*await _forwarded(verifier, str(note["id"])))
    assert isinstance(accepted.activity, Create)
    assert accepted.activity.note.content == "<p>What I wrote</p>"
    assert accepted.activity.id != told["id"]


async def _forwarded(verifier: RunningVerifier, note: str) -> list[str]:
    def ids() -> list[str]:
        return [
            one.activity.id for one in verifier.accepted if one.activity.id.startswith(f"{note}#forwarded")
        ]

    await eventually(lambda: bool(ids()), "the forwarded reply")
    return ids()


async def test_deletion_of_an_unknown_actor_is_dropped_without_a_fetch(
    verifier: RunningVerifier, nora: RemoteActor
) -> None:
    """Servers tell every server they met when an account is deleted; nobody asks them back for it."""
    nora.host.withdraw(nora.id)
    farewells = [nora.activity("Delete", nora.id) for _ in range(20)]
    await verifier.post(*(verifier.request(nora, farewell) for farewell in farewells))
    for farewell in farewells:
        assert (await verifier.until_refused(farewell["id"])).reason == "unknown_actor_gone"
    assert nora.host.fetched == []


async def test_deletion_of_a_known_actor_whose_key_is_gone_is_accepted(
    verifier: RunningVerifier, nora: RemoteActor
) -> None:
    """An account that is known is deleted by the key that is known, though its server has dropped it."""
    create = nora.create()
    await verifier.deliver(nora, create)
    await verifier.until_accepted(create["id"])
    nora.host.behave("/users/nora", status=410)
    farewell = nora.activity("Delete", nora.id)
    await verifier.deliver(nora, farewell)
    await verifier.until_accepted(farewell["id"])


async def test_shared_post_comes_with_the_announce(
    verifier: RunningVerifier, nora: RemoteActor, mallory: RemoteActor
) -> None:
    """A post that is shared and not known here is fetched from its own server, and its author stored."""
    note = nora.note("<p>Worth sharing</p>")
    announce = mallory.activity("Announce", note["id"])
    await verifier.deliver(mallory, announce)
    (accepted,) = await verifier.until_accepted(announce["id"])
    assert [one.content for one in accepted.fetched] == ["<p>Worth sharing</p>"]
    async with verifier.world.pool.acquire() as conn:
        assert await actors.by_uri(conn, nora.id) is not None


async def test_shared_post_that_is_embedded_is_not_believed(
    verifier: RunningVerifier, nora: RemoteActor, mallory: RemoteActor
) -> None:
    """What an Announce embeds is ignored; the post is fetched by its id."""
    note = nora.note("<p>What I wrote</p>")
    announce = mallory.activity("Announce", note | {"content": "<p>Not what I wrote</p>"})
    await verifier.deliver(mallory, announce)
    (accepted,) = await verifier.until_accepted(announce["id"])
    assert [one.content for one in accepted.fetched] == ["<p>What I wrote</p>"]


async def test_share_of_what_is_not_there_is_refused(
    verifier: RunningVerifier, nora: RemoteActor, mallory: RemoteActor
) -> None:
    """A share of a post that its server does not have has no effect."""
    announce = mallory.activity("Announce", f"{nora.host.origin}/notes/none")
    await verifier.deliver(mallory, announce)
    assert (await verifier.until_refused(announce["id"])).reason == "not_there"


async def test_share_of_a_local_post_needs_no_fetch(verifier: RunningVerifier, nora: RemoteActor) -> None:
    """A share of a post of this site is passed on as it is."""
    announce = nora.activity("Announce", verifier.world.uris.status(5))
    await verifier.deliver(nora, announce)
    (accepted,) = await verifier.until_accepted(announce["id"])
    assert accepted.fetched == ()


async def test_private_post_of_another_is_not_shared(
    verifier: RunningVerifier, nora: RemoteActor, mallory: RemoteActor
) -> None:
    """A post for followers only does not spread through somebody's share."""
    note = nora.note(to=[nora.followers], cc=[])
    announce = mallory.activity("Announce", note["id"])
    await verifier.post(verifier.request(mallory, announce), queue=INBOX_UNRESOLVED)
    assert (await verifier.until_refused(announce["id"])).reason == "shared_not_public"


async def test_what_comes_without_an_id_gets_one(verifier: RunningVerifier, nora: RemoteActor) -> None:
    """Takahē's Add has no id: two of them at different times are two activities, a copy is the same."""
    pin = nora.activity("Add", nora.uri("posts")) | {"target": f"{nora.id}/collections/featured"}
    del pin["id"]
    first = verifier.request(nora, pin)
    later = verifier.request(nora, pin, Signing(now=datetime.now(UTC) + timedelta(minutes=1)))
    await verifier.post(first, first, later)
    await eventually(lambda: len(verifier.accepted) == 3, "the three to be accepted")
    ids = [(accepted.trace, accepted.activity.id) for accepted in verifier.accepted]
    assert len(set(ids)) == len({derived for _, derived in ids}) == 2
    assert all(derived.startswith(nora.id) for _, derived in ids)
