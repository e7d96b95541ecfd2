"""Actors and handles, as their servers tell of them."""

import asyncio

import pytest

from shared.database import actors
from shared.database.domain_blocks import DomainBlock, put
from shared.protocol.errors import Rejected, Unavailable
from shared.resolution.errors import DomainBlocked, HandleMismatch, IdMismatch, LocalUri
from tests.integration.world import World


async def test_unknown_actor_is_fetched_once_and_stored(world: World) -> None:
    """An actor is fetched from its server the first time, and known from then on."""
    birch = world.remote.host("birch")
    nora = birch.actor("nora")
    found = await world.resolver.actor(nora.id)
    assert (found.username, found.domain, found.inbox) == ("nora", birch.authority, nora.inbox)
    fetched = len(birch.fetched)
    assert (await world.resolver.actor(nora.id)).id == found.id
    assert len(birch.fetched) == fetched


async def test_many_who_ask_at_once_cause_one_fetch(world: World) -> None:
    """However many ask for an actor at the same time, its document is fetched once."""
    birch = world.remote.host("birch")
    nora = birch.actor("nora")
    found = await asyncio.gather(*(world.resolver.actor(nora.id) for _ in range(20)))
    assert len({one.id for one in found}) == 1
    assert birch.fetched.count("/users/nora") == 1


@pytest.mark.parametrize("flavour", ["mastodon", "gotosocial", "threads", "takahe", "misskey"])
async def test_actors_of_every_server_are_found_by_handle(world: World, flavour: str) -> None:
    """A handle leads to its actor on each kind of server, those in secure mode included."""
    birch = world.remote.host("birch")
    nora = birch.actor("nora", flavour)
    assert (await world.resolver.acct(f"@{nora.acct}")).uri == nora.id


async def test_document_with_another_id_is_refused(world: World) -> None:
    """A document that calls itself by the id of another host's actor is not that actor."""
    birch, ash = world.remote.host("birch"), world.remote.host("ash")
    victim = ash.actor("olga")
    birch.serve(victim.document(), at=f"{birch.origin}/users/fake")
    with pytest.raises(IdMismatch):
        await world.resolver.actor(f"{birch.origin}/users/fake")
    async with world.pool.acquire() as conn:
        assert await actors.by_uri(conn, victim.id) is None


async def test_redirect_to_another_host_does_not_lend_its_name(world: World) -> None:
    """A URL that redirects to another host's document is compared with where it ended."""
    birch, ash = world.remote.host("birch"), world.remote.host("ash")
    nora = birch.actor("nora")
    ash.serve(nora.document(), at=f"{ash.origin}/copy")
    birch.behave("/users/nora", redirect=f"{ash.origin}/copy")
    with pytest.raises(IdMismatch):
        await world.resolver.actor(nora.id)


async def test_address_of_a_page_leads_to_the_actor(world: World) -> None:
    """The address of a profile page leads to the actor whose id it names, in one more step."""
    birch = world.remote.host("birch")
    nora = birch.actor("nora")
    birch.serve(nora.document(), at=f"{birch.origin}/@nora")
    found = await world.resolver.look_up(f"{birch.origin}/@nora")
    assert getattr(found, "uri", "") == nora.id


async def test_inboxes_elsewhere_are_not_trusted(world: World) -> None:
    """A shared inbox on a stranger's host is ignored."""
    birch, ash = world.remote.host("birch"), world.remote.host("ash")
    nora = birch.actor("nora")
    birch.serve({**nora.document(), "endpoints": {"sharedInbox": ash.shared_inbox}})
    assert (await world.resolver.actor(nora.id)).shared_inbox == ""


async def test_handle_that_leads_to_somebody_else_is_refused(world: World) -> None:
    """A host cannot give its own handle to an actor of another host that goes by another name."""
    birch, ash = world.remote.host("birch"), world.remote.host("ash")
    olga = ash.actor("olga")
    link = {"rel": "self", "type": "application/activity+json", "href": olga.id}
    answer = birch.encode({"subject": f"acct:boss@{birch.authority}", "links": [link]})
    birch.behave("/.well-known/webfinger", status=200, body=answer, content_type="application/jrd+json")
    with pytest.raises(HandleMismatch):
        await world.resolver.acct(f"boss@{birch.authority}")


async def test_actor_without_webfinger_goes_by_its_own_host(world: World) -> None:
    """An actor whose server answers no WebFinger is known by its name at its own host."""
    birch = world.remote.host("birch")
    nora = birch.actor("nora")
    birch.behave("/.well-known/webfinger", status=500)
    assert (await world.resolver.actor(nora.id)).domain == birch.authority


async def test_handle_of_a_domain_that_agrees_is_taken(world: World) -> None:
    """An actor on one host goes by the handle of another domain if both say so (FEP-2c59)."""
    birch, ash = world.remote.host("birch"), world.remote.host("ash")
    nora = birch.actor("nora")
    birch.serve({**nora.document(), "webfinger": f"nora@{ash.authority}"})
    link = {"rel": "self", "type": "application/activity+json", "href": nora.id}
    answer = ash.encode({"subject": f"acct:nora@{ash.authority}", "links": [link]})
    ash.behave("/.well-known/webfinger", status=200, body=answer, content_type="application/jrd+json")
    assert (await world.resolver.actor(nora.id)).domain == ash.authority


async def test_handle_of_a_domain_that_disagrees_is_not_taken(world: World) -> None:
    """An actor that claims a handle at another domain goes by its own host unless that domain agrees."""
    birch, ash = world.remote.host("birch"), world.remote.host("ash")
    ash.actor("nora")
    nora = birch.actor("nora")
    birch.serve({**nora.document(), "webfinger": f"nora@{ash.authority}"})
    assert (await world.resolver.actor(nora.id)).domain == birch.authority


async def test_failure_is_remembered(world: World) -> None:
    """What was refused a moment ago is not asked for again."""
    birch = world.remote.host("birch")
    for _ in range(5):
        with pytest.raises(Rejected):
            await world.resolver.actor(f"{birch.origin}/users/nobody")
    assert birch.fetched.count("/users/nobody") == 2  # one by each signature scheme


async def test_host_that_closes_connections_is_not_asked_for_each_actor(world: World) -> None:
    """A host that cannot be reached is left alone for a moment, whatever is asked of it."""
    with pytest.raises(Unavailable) as first:
        await world.resolver.actor("http://closed.localhost:9/users/nora")
    with pytest.raises(Unavailable) as second:
        await world.resolver.actor("http://closed.localhost:9/users/olga")
    assert second.value is first.value


async def test_local_and_blocked_hosts_are_never_asked(world: World) -> None:
    """Nothing is fetched from ourselves, nor from a suspended domain."""
    birch = world.remote.host("birch")
    nora = birch.actor("nora")
    with pytest.raises(LocalUri):
        await world.resolver.actor(world.uris.actor(1))
    async with world.pool.acquire() as conn:
        await put(conn, [DomainBlock(domain="birch.localhost", severity="suspend")])
    with pytest.raises(DomainBlocked):
        await world.resolver.actor(nora.id)
    assert birch.fetched == []
