"""Who of a server's own people follow an account here, for that server alone (FEP-8fcf)."""

import json
from collections.abc import AsyncIterator

import pytest

from shared.protocol.identifiers import uri_hash
from tests.fakes.remote_actor import RemoteActor
from tests.fakes.remote_server import RemoteServer
from tests.integration.federation.site import GatewaySite

ACTIVITY = "application/activity+json"


@pytest.fixture
async def fediverse() -> AsyncIterator[RemoteServer]:
    """Yield other servers."""
    async with RemoteServer() as server:
        yield server


async def follow(site: GatewaySite, actor: RemoteActor, followee_id: int, state: int = 1) -> None:
    """Have somebody on another server follow an account here, or ask to."""
    known = await site.gateway.resolver.actor(actor.id)
    await site.execute(
        "INSERT INTO follows (follower_id, followee_id, state, uri, uri_hash, id) VALUES ($1,$2,$3,$4,$5,$6)",
        known.id,
        followee_id,
        state,
        f"{actor.id}#follow",
        uri_hash(f"{actor.id}#follow"),
        known.id,
    )


async def test_a_server_reads_its_own_followers_and_no_others(
    site: GatewaySite, fediverse: RemoteServer
) -> None:
    """The list holds the followers of the host that signs; another host sees its own, a stranger nothing."""
    ada = await site.account("ada")
    birch, fir = fediverse.host("birch"), fediverse.host("fir")
    nora, olaf, tess = birch.actor("nora"), birch.actor("olaf"), fir.actor("tess")
    for actor in (nora, olaf, tess):
        await follow(site, actor, ada.id)
    await follow(site, birch.actor("asks"), ada.id, state=0)
    url = site.gateway.site.uris.followers_synchronization(ada.id)

    async def listed(reader: RemoteActor) -> set[str]:
        answer = await site.get(url, accept=ACTIVITY, **reader.signed("GET", url, None))
        assert answer.status == 200
        assert "no-store" in answer.headers["Cache-Control"]
        return set(json.loads(answer.text)["orderedItems"])

    assert await listed(birch.actor("reader")) == {nora.id, olaf.id}
    assert await listed(tess) == {tess.id}
    assert await listed(fediverse.host("ash").actor("mallory")) == set()
    unsigned = await site.get(url, accept=ACTIVITY)
    assert unsigned.status == 401
    assert nora.id not in unsigned.text


async def test_hidden_followers_are_still_told_to_their_own_server(
    site: GatewaySite, fediverse: RemoteServer
) -> None:
    """Who hides their followers keeps them in step all the same: a server knows its own people."""
    ada, birch = await site.account("ada"), fediverse.host("birch")
    nora = birch.actor("nora")
    await follow(site, nora, ada.id)
    await site.execute("UPDATE actors SET hide_collections = true WHERE id = $1", ada.id)
    url = site.gateway.site.uris.followers_synchronization(ada.id)
    answer = await site.get(url, accept=ACTIVITY, **nora.signed("GET", url, None))
    assert json.loads(answer.text)["orderedItems"] == [nora.id]
