"""Whom an activity reaches."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec.structs import replace

from shared.database import blocks, fetches
from shared.database.blocks import BlockRow
from shared.database.domain_blocks import DomainBlock, put
from shared.database.fetches import Fetch
from shared.protocol.activities import Follow, type_name
from shared.protocol.identifiers import PUBLIC
from shared.protocol.messages import AcceptedActivity, Codec
from shared.queue.topology import FANOUT_PLAN
from tests.builders import parsed
from tests.fakes.signing import proof_is_right
from tests.integration.deliverer.running import RunningDeliverer, message_of


async def test_one_request_per_server_however_many_followers(deliverer: RunningDeliverer) -> None:
    """Many followers on a server get a post by one request to its shared inbox, verified there."""
    birch = deliverer.world.remote.host("birch")
    ada = await deliverer.world.account("ada")
    for number in range(5):
        await deliverer.world.follow(birch.actor(f"nora{number}").id, ada)
    post = deliverer.post(ada)
    await deliverer.send(post)
    await birch.wait_for("Create")
    await deliverer.until(post, delivered=1)
    assert [(one.path, one.scheme, one.problem) for one in birch.received] == [("/inbox", "cavage", "")]


async def test_what_goes_to_followers_carries_a_proof(deliverer: RunningDeliverer) -> None:
    """A post stands wherever it is passed on to: its author's key proves it. A Follow needs no proof."""
    birch = deliverer.world.remote.host("birch")
    ada = await deliverer.world.account("ada")
    nora = birch.actor("nora").id
    await deliverer.world.follow(nora, ada)
    me = deliverer.world.uris.actor(ada)
    follow = Follow(id=deliverer.world.uris.activity(7), actor=me, object=nora, to=(nora,))
    await deliverer.send(deliverer.post(ada), follow)
    create = (await birch.wait_for("Create")).activity
    assert "proof" not in (await birch.wait_for("Follow")).activity
    proof = create["proof"]
    assert isinstance(proof, dict)
    assert proof["verificationMethod"] == deliverer.world.uris.ed25519_key(ada)
    key = await deliverer.world.remote.key(deliverer.world.uris.ed25519_key(ada))
    assert isinstance(key, Ed25519PublicKey)
    assert proof_is_right(create, key)


async def test_server_without_shared_inbox_gets_it_by_person(deliverer: RunningDeliverer) -> None:
    """Where a server offers no shared inbox, each follower's own inbox gets the post."""
    birch = deliverer.world.remote.host("birch")
    ada = await deliverer.world.account("ada")
    for name in ("nora", "olga"):
        await deliverer.world.follow(birch.actor(name, "gotosocial").id, ada)
    post = deliverer.post(ada)
    await deliverer.send(post)
    await deliverer.until(post, delivered=2)
    assert {one.path for one in birch.received} == {"/users/nora/inbox", "/users/olga/inbox"}


async def test_local_followers_never_get_http(deliverer: RunningDeliverer) -> None:
    """A local follower costs no delivery, and neither does a local one who is named."""
    world = deliverer.world
    ada, grace = await world.account("ada"), await world.account("grace")
    nora = world.remote.host("birch").actor("nora")
    await world.follow(nora.id, ada)
    await world.follow(world.uris.actor(grace), ada)
    post = deliverer.post(ada)
    post = replace(post, to=(PUBLIC, world.uris.actor(grace)))
    await deliverer.send(post)
    await deliverer.until(post, delivered=1)


async def test_named_actor_gets_what_it_does_not_follow(deliverer: RunningDeliverer) -> None:
    """Somebody who is mentioned gets the post without following, even one not known here before."""
    world = deliverer.world
    ada = await world.account("ada")
    birch = world.remote.host("birch")
    post = replace(deliverer.post(ada), to=(PUBLIC, birch.actor("nora").id))
    await deliverer.send(post)
    await birch.wait_for("Create")
    await deliverer.until(post, delivered=1)


async def test_unknown_actor_that_cannot_be_found_holds_nobody_up(deliverer: RunningDeliverer) -> None:
    """A name behind which nobody is found costs its own delivery only."""
    world = deliverer.world
    ada = await world.account("ada")
    birch = world.remote.host("birch")
    to = (PUBLIC, f"{birch.origin}/users/nobody", birch.actor("nora").id)
    post = replace(deliverer.post(ada), to=to)
    await deliverer.send(post)
    await deliverer.until(post, delivered=1)


async def test_follow_goes_to_the_own_inbox(deliverer: RunningDeliverer) -> None:
    """What is between two actors goes to the other's own inbox, though the server has a shared one."""
    world = deliverer.world
    ada = await world.account("ada")
    birch = world.remote.host("birch")
    nora = birch.actor("nora")
    follow = Follow(id=world.uris.activity(1), actor=world.uris.actor(ada), object=nora.id)
    await deliverer.send(follow)
    assert (await birch.wait_for("Follow")).path == "/users/nora/inbox"


async def test_like_goes_to_the_author_of_the_post(deliverer: RunningDeliverer) -> None:
    """A Like reaches the author, although only the post is named in it."""
    world = deliverer.world
    ada = await world.account("ada")
    birch = world.remote.host("birch")
    nora = await world.resolver.actor(birch.actor("nora").id)
    async with world.pool.acquire() as conn:
        await conn.execute(
            """
            INSERT INTO statuses (id, uri, uri_hash, local, actor_id, conversation_id, visibility, created_at)
            VALUES ($1, $2, substr(sha256(convert_to($2, 'UTF8')), 1, 16), false, $3, $1, 0, now())
            """,
            world.ids.next(),
            uri := f"{birch.origin}/notes/1",
            nora.id,
        )
    like = parsed.like(uri, world.uris.actor(ada), id=world.uris.activity(2))
    await deliverer.send(like)
    assert (await birch.wait_for("Like")).path == "/users/nora/inbox"


async def test_account_that_does_not_federate_sends_nothing(deliverer: RunningDeliverer) -> None:
    """Nothing of an account leaves the site unless it federates."""
    world = deliverer.world
    grace, ada = await world.account("grace", federated=False), await world.account("ada")
    birch = world.remote.host("birch")
    for followed in (grace, ada):
        await world.follow(birch.actor("nora").id, followed)
    kept, sent = deliverer.post(grace), deliverer.post(ada)
    await deliverer.send(kept, sent)
    await deliverer.until(sent, delivered=1)
    assert await deliverer.record(kept) == []
    assert [one.activity["id"] for one in birch.received] == [sent.id]


async def test_delete_reaches_whoever_got_the_post(deliverer: RunningDeliverer) -> None:
    """A Delete goes to a server that got the post, even if nobody there follows any more."""
    world = deliverer.world
    ada = await world.account("ada")
    birch = world.remote.host("birch")
    await world.follow(birch.actor("nora").id, ada)
    post = deliverer.post(ada)
    await deliverer.send(post)
    await deliverer.until(post, delivered=1)
    async with world.pool.acquire() as conn:
        await conn.execute("DELETE FROM follows")
        await conn.execute("UPDATE accounts SET federated = false")
    delete = deliverer.delete(post)
    await deliverer.send(delete)
    await birch.wait_for("Delete")
    await deliverer.until(delete, delivered=1)


async def test_delete_reaches_whoever_fetched_the_post(deliverer: RunningDeliverer) -> None:
    """A Delete goes to a server that was never sent the post, but fetched it."""
    world = deliverer.world
    ada = await world.account("ada")
    reader = await world.resolver.actor(world.remote.host("cedar").actor("cleo").id)
    post = deliverer.post(ada)
    note = post.id.removesuffix("/activity")
    async with world.pool.acquire() as conn:
        fetch = Fetch(object_uri=note, host=world.remote.host("cedar").authority, actor_id=reader.id)
        await fetches.record(conn, [fetch])
    await deliverer.send(post, deliverer.delete(post))
    deleted = await world.remote.host("cedar").wait_for("Delete")
    assert deleted.path == "/inbox"
    assert [one.type for one in world.remote.host("cedar").received] == ["Delete"]


async def test_reply_is_passed_on_as_it_came(deliverer: RunningDeliverer) -> None:
    """A reply that somebody else made reaches our author's followers unchanged, under our signature.

    The server it came from does not get it back; what deletes it goes to those who got it, and no further.
    """
    world = deliverer.world
    ada = await world.account("ada")
    birch, cedar = world.remote.host("birch"), world.remote.host("cedar")
    for host in (birch, cedar):
        await world.follow(host.actor("nora").id, ada)
    author = birch.actor("nora").id
    reply = parsed.create(parsed.note(author, in_reply_to=world.uris.status(1)))
    for activity in (reply, parsed.delete(reply.note.id, author)):
        item = replace(message_of(activity), local=False, passed_on_by=world.uris.actor(ada))
        await deliverer.publisher.publish(FANOUT_PLAN, Codec(AcceptedActivity), [item])
        got = await cedar.wait_for(type_name(activity))
        assert (got.body, got.problem) == (item.body, "")
        assert got.key_id == world.uris.main_key(ada)
        await deliverer.until(activity, delivered=1)
    assert birch.received == []


async def test_nothing_is_passed_on_for_somebody_who_is_blocked(deliverer: RunningDeliverer) -> None:
    """What a blocked person answers reaches nobody through us."""
    world = deliverer.world
    ada = await world.account("ada")
    cedar = world.remote.host("cedar")
    await world.follow(cedar.actor("nora").id, ada)
    troll = await world.resolver.actor(world.remote.host("birch").actor("troll").id)
    async with world.pool.acquire() as conn:
        await blocks.insert(conn, [BlockRow(id=1, uri="urn:b", actor_id=ada, target_id=troll.id)])
    reply = parsed.create(parsed.note(troll.uri, in_reply_to=world.uris.status(1)))
    item = replace(message_of(reply), local=False, passed_on_by=world.uris.actor(ada))
    post = deliverer.post(ada)
    await deliverer.publisher.publish(FANOUT_PLAN, Codec(AcceptedActivity), [item, message_of(post)])
    await deliverer.until(post, delivered=1)
    assert await deliverer.record(reply) == []


async def test_suspended_domain_gets_nothing(deliverer: RunningDeliverer) -> None:
    """Nothing is sent to a suspended domain, and others get it all the same."""
    world = deliverer.world
    ada = await world.account("ada")
    birch, ash = world.remote.host("birch"), world.remote.host("ash")
    for host in (birch, ash):
        await world.follow(host.actor("nora").id, ada)
    async with world.pool.acquire() as conn:
        await put(conn, [DomainBlock(domain="ash.localhost", severity="suspend")])
    world.blocks.forget()
    post = deliverer.post(ada)
    await deliverer.send(post)
    await deliverer.until(post, delivered=1)
    assert [one.activity["id"] for one in birch.received] == [post.id]
    assert ash.received == []


async def test_plan_that_is_delivered_twice_is_sent_once(deliverer: RunningDeliverer) -> None:
    """A plan message that comes again, as after a crash, sends nothing again."""
    world = deliverer.world
    ada = await world.account("ada")
    birch = world.remote.host("birch")
    await world.follow(birch.actor("nora").id, ada)
    post, last = deliverer.post(ada), deliverer.post(ada)
    await deliverer.send(post, post)
    await deliverer.send(post)
    await deliverer.send(last)
    await deliverer.until(last, delivered=1)
    assert [one.activity["id"] for one in birch.received] == [post.id, last.id]


async def test_plan_that_was_cut_short_is_finished(deliverer: RunningDeliverer) -> None:
    """A plan that a crash cut off between its record and its messages is carried out when it returns."""
    world = deliverer.world
    ada = await world.account("ada")
    birch = world.remote.host("birch")
    await world.follow(birch.actor("nora").id, ada)
    first = deliverer.post(ada)
    await deliverer.send(first)
    await deliverer.until(first, delivered=1)
    async with world.pool.acquire() as conn:
        await conn.execute("UPDATE sent_activities SET planned_at = NULL")
        await conn.execute("UPDATE deliveries SET state = 0")
    await deliverer.send(first)
    await birch.wait_for("Create", count=2)
    await deliverer.until(first, delivered=1)
