"""Signing keys and posts: believed only as far as their own servers vouch for them."""

import pytest

from shared.database import actors, keys, statuses
from shared.protocol.errors import Rejected
from shared.resolution.errors import IdMismatch, KeyNotListed, LocalUri, NotTheAuthor
from tests.integration.world import World


@pytest.mark.parametrize("flavour", ["mastodon", "gotosocial", "threads", "takahe"])
async def test_key_is_found_with_its_owner(world: World, flavour: str) -> None:
    """A key id leads to the key and its owner on each kind of server."""
    nora = world.remote.host("birch").actor("nora", flavour)
    key = await world.resolver.key(nora.key_id)
    assert (key.id, key.actor_uri) == (nora.key_id, nora.id)
    async with world.pool.acquire() as conn:
        assert (await keys.by_ids(conn, [nora.key_id]))[nora.key_id].der == key.der


async def test_key_document_that_names_a_victim_is_refused(world: World) -> None:
    """A key document that names an owner who does not list the key proves nothing."""
    birch, ash = world.remote.host("birch"), world.remote.host("ash")
    nora, victim = birch.actor("nora"), ash.actor("olga")
    forged = {**nora.public_key(), "id": f"{birch.origin}/key", "owner": victim.id}
    birch.serve({"id": f"{birch.origin}/key", **forged})
    with pytest.raises(KeyNotListed):
        await world.resolver.key(f"{birch.origin}/key")


async def test_actor_served_under_a_foreign_id_lends_no_key(world: World) -> None:
    """A document at the attacker's URL that bears the victim's id gives the victim no key."""
    birch, ash = world.remote.host("birch"), world.remote.host("ash")
    nora, victim = birch.actor("nora"), ash.actor("olga")
    key_id = f"{birch.origin}/forged#main-key"
    key = {**nora.public_key(), "id": key_id, "owner": victim.id}
    birch.serve({**victim.document(), "publicKey": key}, at=f"{birch.origin}/forged")
    with pytest.raises(Rejected):
        await world.resolver.key(key_id)


async def test_local_key_is_never_fetched(world: World) -> None:
    """A key id of this site is not looked for on the network."""
    with pytest.raises(LocalUri):
        await world.resolver.key(world.uris.main_key(1))


async def test_note_comes_with_its_author(world: World) -> None:
    """A post that is fetched has its author stored, and is not stored itself."""
    nora = world.remote.host("birch").actor("nora")
    note = nora.note("<p>Good day</p>")
    found = await world.resolver.note(str(note["id"]))
    assert (found.id, found.content) == (note["id"], "<p>Good day</p>")
    async with world.pool.acquire() as conn:
        assert await actors.by_uri(conn, nora.id) is not None
        assert await statuses.by_uri(conn, found.id) is None


async def test_note_of_another_origins_author_is_refused(world: World) -> None:
    """A post cannot be attributed to an actor of another host."""
    birch, ash = world.remote.host("birch"), world.remote.host("ash")
    victim = ash.actor("olga")
    note = birch.actor("nora").note(attributedTo=victim.id)
    with pytest.raises(NotTheAuthor):
        await world.resolver.note(str(note["id"]))


async def test_upload_that_looks_like_a_post_is_refused(world: World) -> None:
    """A document that is served as a file, not as ActivityPub, is no post."""
    birch = world.remote.host("birch")
    note = birch.actor("nora").note(serve=False)
    birch.serve(note, content_type="application/json")
    with pytest.raises(Rejected) as refused:
        await world.resolver.note(str(note["id"]))
    assert refused.value.reason == "wrong_media_type"


async def test_copy_of_a_post_on_another_host_is_refused(world: World) -> None:
    """A post under another host's URL is not the post whose id it bears."""
    birch, ash = world.remote.host("birch"), world.remote.host("ash")
    note = birch.actor("nora").note()
    ash.serve(note, at=f"{ash.origin}/stolen")
    with pytest.raises(IdMismatch):
        await world.resolver.note(f"{ash.origin}/stolen")
