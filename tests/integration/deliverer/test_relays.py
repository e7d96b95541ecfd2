"""Public posts go to the relays to which the site subscribes."""

import pytest

from services.fanout_deliverer import relays
from shared.actions.relays import subscribe, unsubscribe
from shared.actions.site import Site
from shared.protocol.identifiers import PUBLIC
from tests.integration.deliverer.running import RunningDeliverer


async def test_relay_gets_its_follow_and_then_what_is_public(
    deliverer: RunningDeliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Follow, public posts and the Undo arrive at the relay; other posts, and early ones, do not."""
    monkeypatch.setattr(relays, "TTL", 0.0)
    world = deliverer.world
    ada, host = await world.account("ada"), world.remote.host("birch")
    site, inbox = Site(uris=world.uris, ids=world.ids), f"{host.origin}/inbox"
    async with world.pool.acquire() as conn, conn.transaction():
        made = await subscribe(conn, site, inbox=inbox)
    await deliverer.relay_outbox()
    follow = await host.wait_for("Follow")
    assert follow.activity["object"] == PUBLIC
    assert follow.activity["actor"] == world.uris.instance_actor
    early = deliverer.post(ada)
    await deliverer.send(early)
    await deliverer.planned(early)
    assert await deliverer.record(early) == []
    await world.pool.execute("UPDATE relays SET state = 1 WHERE id = $1", made.id)
    public, closed = deliverer.post(ada), deliverer.post(ada, to=(world.uris.followers(ada),))
    await deliverer.send(public, closed)
    await deliverer.until(public, delivered=1)
    await deliverer.planned(closed)
    assert await deliverer.record(closed) == []
    arrived = await host.wait_for("Create")
    assert arrived.activity["id"] == public.id
    assert "proof" in arrived.activity
    async with world.pool.acquire() as conn, conn.transaction():
        await unsubscribe(conn, site, inbox)
    await deliverer.relay_outbox()
    undo = await host.wait_for("Undo")
    assert undo.activity["object"] == {
        "id": made.follow_uri,
        "type": "Follow",
        "actor": world.uris.instance_actor,
        "object": PUBLIC,
    }
