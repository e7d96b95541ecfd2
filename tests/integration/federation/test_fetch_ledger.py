"""Who fetched a post with a signature is written down, and nobody waits for it."""

from shared.actions.posts import Draft
from shared.database import fetches
from tests.fakes.remote_server import RemoteServer
from tests.infrastructure import eventually
from tests.integration.federation.site import GatewaySite, gateway_site

ACTIVITY = "application/activity+json"


async def _hosts(site: GatewaySite, uri: str) -> list[str]:
    async with site.gateway.pool.acquire() as conn:
        found = await fetches.fetched_by(conn, uri, "", 100)
    return [one.host for one in found]


async def test_signed_fetches_are_written_down_once(site: GatewaySite) -> None:
    """A host that fetches a post twice, in the open, stands in the ledger once with its shared inbox."""
    ada = await site.account("ada")
    uri = site.gateway.site.uris.status(await site.post(ada, Draft(text="Hello")))
    async with RemoteServer() as fediverse:
        birch = fediverse.host("birch")
        for who in ("nora", "olaf"):
            headers = birch.actor(who).signed("GET", uri, None)
            assert (await site.get(uri, accept=ACTIVITY, **headers)).status == 200

        async def written() -> bool:
            return await _hosts(site, uri) == [birch.authority]

        await eventually(written, "the fetch to be written down")
        async with site.gateway.pool.acquire() as conn:
            [one] = await fetches.fetched_by(conn, uri, "", 100)
        assert (one.destination.inbox, one.destination.shared) == (birch.shared_inbox, True)


async def test_what_is_not_proven_is_not_written_down(site: GatewaySite) -> None:
    """A fetch without a signature, or with one that was made for another address, is served and forgotten."""
    ada = await site.account("ada")
    uri = site.gateway.site.uris.status(await site.post(ada, Draft(text="Hello")))
    other = site.gateway.site.uris.status(await site.post(ada, Draft(text="Another")))
    async with RemoteServer() as fediverse:
        forger, witness = fediverse.host("crook").actor("eve"), fediverse.host("birch").actor("nora")
        assert (await site.get(uri, accept=ACTIVITY)).status == 200
        stolen = forger.signed("GET", other, None)
        assert (await site.get(uri, accept=ACTIVITY, **stolen)).status == 200
        assert (await site.get(uri, accept=ACTIVITY, **witness.signed("GET", uri, None))).status == 200

        async def written() -> bool:
            return bool(await _hosts(site, uri))

        await eventually(written, "the later fetch to be written down")
        assert await _hosts(site, uri) == ["birch.localhost:" + str(fediverse.port)]


async def test_a_stop_forgets_no_fetch(own_database_url: str) -> None:
    """A fetch just before the gateway stops stands in the ledger afterwards."""
    async with RemoteServer() as fediverse:
        nora = fediverse.host("birch").actor("nora")
        async with gateway_site(own_database_url) as site:
            uri = site.gateway.site.uris.status(
                await site.post(await site.account("ada"), Draft(text="Hello"))
            )
            assert (await site.get(uri, accept=ACTIVITY, **nora.signed("GET", uri, None))).status == 200
        async with gateway_site(own_database_url) as again:
            assert await _hosts(again, uri) == [nora.host.authority]
