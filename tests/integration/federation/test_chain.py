"""The whole way of another server's fetcher, from a handle to a page."""

from shared.actions.posts import Draft
from shared.protocol.objects import Visibility
from tests.integration.federation.site import GatewaySite
from tests.integration.federation.strict_fetcher import StrictFetcher


async def test_a_strict_server_follows_the_chain_from_handle_to_page(site: GatewaySite) -> None:
    """From a handle alone, a strict server finds the actor, the outbox, each post and its page."""
    ada = await site.account("ada", display_name="Ada Lovelace")
    grace = await site.account("grace")
    await site.post(ada, Draft(text="Hello #Looms", language="en"))
    await site.post(ada, Draft(text="Quietly", visibility=Visibility.UNLISTED, spoiler_text="Hush"))
    await site.boost(ada, await site.post(grace, Draft(text="A post worth sharing")))
    async with StrictFetcher(site.gateway.site.uris.host) as fetcher:
        assert await fetcher.software() == "heddle"
        actor = await fetcher.find("ada")
        assert "Ada Lovelace" in await fetcher.page(actor)
        activities = await fetcher.outbox(actor)
        assert [one["type"] for one in activities] == ["Announce", "Create", "Create"]
        posts = [await fetcher.post(one) for one in activities if one["type"] == "Create"]
        assert [post["summary"] for post in posts] == ["Hush", None]
        pages = [await fetcher.page(post) for post in posts]
        assert "Quietly" in pages[0]
        assert "Looms" in pages[1]
        shared = await fetcher.fetch(activities[0]["object"])
        assert shared["attributedTo"] == grace.uri


async def test_the_outbox_is_complete_over_its_pages(site: GatewaySite) -> None:
    """An outbox longer than a page lists every post once, newest first."""
    ada = await site.account("ada")
    ids = [await site.post(ada, Draft(text=f"Number {number}")) for number in range(45)]
    async with StrictFetcher(site.gateway.site.uris.host) as fetcher:
        activities = await fetcher.outbox(await fetcher.find("ada"))
    uris = [one["object"]["id"] for one in activities]
    assert uris == [site.gateway.site.uris.status(status_id) for status_id in reversed(ids)]


async def test_the_instance_actor_is_found_like_anybody(site: GatewaySite) -> None:
    """A server that checks the instance actor by WebFinger gets back to it."""
    async with StrictFetcher(site.gateway.site.uris.host) as fetcher:
        actor = await fetcher.fetch(site.gateway.site.uris.instance_actor)
        host = site.gateway.site.uris.host
        answer = await site.get(f"/.well-known/webfinger?resource=acct:{actor['preferredUsername']}@{host}")
        assert answer.status == 200
        assert actor["id"] in answer.text
        assert actor["type"] == "Application"
