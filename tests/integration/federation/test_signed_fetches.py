"""Who may read what is not for everybody, and secure mode."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from shared.actions.posts import Draft
from shared.protocol.identifiers import uri_hash
from shared.protocol.objects import Visibility
from tests.fakes.remote_actor import RemoteActor
from tests.fakes.remote_server import RemoteServer
from tests.fakes.signing import Outgoing, Signing, signed_headers
from tests.integration.federation.site import Answer, GatewaySite, gateway_site

ACTIVITY = "application/activity+json"


@pytest.fixture
async def fediverse() -> AsyncIterator[RemoteServer]:
    """Yield other servers."""
    async with RemoteServer() as server:
        yield server


async def signed_get(
    site: GatewaySite, actor: RemoteActor, url: str, how: Signing | str = "cavage"
) -> Answer:
    """GET an address, signed by somebody on another server."""
    return await site.get(url, accept=ACTIVITY, **actor.signed("GET", url, None, how))


async def follow(site: GatewaySite, actor: RemoteActor, followee_id: int) -> None:
    """Have somebody on another server follow an account here."""
    known = await site.gateway.resolver.actor(actor.id)
    await site.execute(
        "INSERT INTO follows (follower_id, followee_id, state, uri, uri_hash, id) VALUES ($1,$2,1,$3,$4,1)",
        known.id,
        followee_id,
        f"{actor.id}#follow",
        uri_hash(f"{actor.id}#follow"),
    )


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421", "ed25519"])
async def test_a_follower_may_fetch_what_is_for_followers(
    site: GatewaySite, fediverse: RemoteServer, scheme: str
) -> None:
    """A post for followers is served to a follower's signed fetch, to nobody else's and to no cache."""
    ada = await site.account("ada")
    post = await site.post(ada, Draft(text="For friends", visibility=Visibility.FOLLOWERS))
    nora, olaf = fediverse.host("birch").actor("nora"), fediverse.host("birch").actor("olaf")
    await follow(site, nora, ada.id)
    uri = site.gateway.site.uris.status(post)
    answer = await signed_get(site, nora, uri, scheme)
    assert answer.status == 200
    assert "For friends" in answer.text
    assert "no-store" in answer.headers["Cache-Control"]
    assert (await signed_get(site, olaf, uri, scheme)).status == 404
    assert (await site.get(uri, accept=ACTIVITY)).status == 404


async def test_only_those_named_may_fetch_a_direct_post(site: GatewaySite, fediverse: RemoteServer) -> None:
    """A direct post is served to whom it names, and not even to followers."""
    ada = await site.account("ada")
    post = await site.post(ada, Draft(text="Just you", visibility=Visibility.DIRECT))
    nora, olaf = fediverse.host("birch").actor("nora"), fediverse.host("birch").actor("olaf")
    await follow(site, olaf, ada.id)
    known = await site.gateway.resolver.actor(nora.id)
    await site.execute(
        "INSERT INTO mentions (status_id, actor_uri, actor_id) VALUES ($1, $2, $3)", post, nora.id, known.id
    )
    uri = site.gateway.site.uris.status(post)
    assert (await signed_get(site, nora, uri)).status == 200
    assert (await signed_get(site, olaf, uri)).status == 404
    assert (await site.get(uri, accept="text/html")).status == 404


async def test_whom_the_author_blocks_reads_nothing_private(
    site: GatewaySite, fediverse: RemoteServer
) -> None:
    """A follower who was blocked since then no longer gets what is for followers."""
    ada = await site.account("ada")
    post = await site.post(ada, Draft(text="For friends", visibility=Visibility.FOLLOWERS))
    nora = fediverse.host("birch").actor("nora")
    await follow(site, nora, ada.id)
    known = await site.gateway.resolver.actor(nora.id)
    await site.execute(
        "INSERT INTO blocks (actor_id, target_id, uri, uri_hash, id) VALUES ($1, $2, 'x', $3, 1)",
        ada.id,
        known.id,
        uri_hash("x"),
    )
    assert (await signed_get(site, nora, site.gateway.site.uris.status(post))).status == 404


async def test_secure_mode_serves_only_signed_fetches(
    secure_site: GatewaySite, fediverse: RemoteServer
) -> None:
    """With authorized fetch, actors, collections and posts answer 401 unless the request is signed."""
    site = secure_site
    ada = await site.account("ada")
    post = await site.post(ada, Draft(text="Hello"))
    nora = fediverse.host("birch").actor("nora")
    uris = site.gateway.site.uris
    for uri in (ada.uri, uris.outbox(ada.id), uris.followers(ada.id), uris.status(post), uris.replies(post)):
        refused = await site.get(uri, accept=ACTIVITY)
        assert refused.status == 401, uri
        assert json.loads(refused.body)["detail"] == "signature_missing"
        served = await signed_get(site, nora, uri)
        assert served.status == 200, uri
        assert "public" not in served.headers["Cache-Control"]
        assert "Signature" in served.headers["Vary"]


async def test_secure_mode_leaves_open_what_starts_a_conversation(secure_site: GatewaySite) -> None:
    """The instance actor, WebFinger, NodeInfo, host-meta and pages need no signature in secure mode."""
    site = secure_site
    await site.account("ada")
    host = site.gateway.site.uris.host
    for path in (
        "/actor",
        f"/.well-known/webfinger?resource=acct:ada@{host}",
        "/.well-known/host-meta",
        "/.well-known/nodeinfo",
        "/nodeinfo/2.1",
    ):
        assert (await site.get(path, accept=ACTIVITY)).status == 200, path
    assert (await site.get("/@ada", accept="text/html")).status == 200


async def test_two_secure_servers_do_not_wait_for_each_other(
    secure_site: GatewaySite, fediverse: RemoteServer
) -> None:
    """A signer whose own server is secure is identified: our fetch of its key is signed by `/actor`."""
    site = secure_site
    ada = await site.account("ada")
    guarded = fediverse.host("secure").actor("sven", "threads")
    assert (await signed_get(site, guarded, ada.uri)).status == 200


async def test_a_bad_signature_opens_nothing_in_secure_mode(
    secure_site: GatewaySite, fediverse: RemoteServer
) -> None:
    """An old date, another address, a forged key and no key at all are refused with 401 and a reason."""
    site = secure_site
    ada = await site.account("ada")
    nora, olaf = fediverse.host("birch").actor("nora"), fediverse.host("birch").actor("olaf")
    long_ago = Signing(now=datetime.now(UTC) - timedelta(days=2))
    old = await signed_get(site, nora, ada.uri, long_ago)
    assert (old.status, json.loads(old.body)["detail"]) == (401, "date_out_of_window")
    other = nora.signed("GET", f"{site.origin}/users/1", None)
    assert (await site.get(ada.uri, accept=ACTIVITY, **other)).status == 401
    forged = signed_headers(Signing(), Outgoing("GET", ada.uri), nora.key_id, olaf.rsa)
    refused = await site.get(ada.uri, accept=ACTIVITY, **forged)
    assert (refused.status, json.loads(refused.body)["detail"]) == (401, "signature_invalid")
    nobody = signed_headers(Signing(), Outgoing("GET", ada.uri), f"{nora.id}-nobody#main-key", nora.rsa)
    assert (await site.get(ada.uri, accept=ACTIVITY, **nobody)).status == 401


async def test_a_key_server_that_is_away_is_not_the_signers_fault(
    secure_site: GatewaySite, fediverse: RemoteServer
) -> None:
    """Where the signer's key cannot be fetched right now the answer is 503, not 401."""
    site = secure_site
    ada = await site.account("ada")
    birch = fediverse.host("birch")
    nora = birch.actor("nora")
    birch.behave("*", status=503)
    answer = await signed_get(site, nora, ada.uri)
    assert answer.status == 503
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize("secure", [False, True])
async def test_a_suspended_domain_is_not_served(
    own_database_url: str, fediverse: RemoteServer, *, secure: bool
) -> None:
    """A fetch signed from a suspended domain is refused with 403, in either mode."""
    async with gateway_site(own_database_url, authorized_fetch=secure) as site:
        ada = await site.account("ada")
        birch = fediverse.host("birch")
        await site.execute(
            "INSERT INTO domain_blocks (domain, severity) VALUES ($1, 'suspend')", birch.authority
        )
        assert (await signed_get(site, birch.actor("nora"), ada.uri)).status == 403
