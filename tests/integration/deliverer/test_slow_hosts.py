"""A slow host, or one that hangs, holds up itself only."""

import pytest

from shared.database.deliveries import State
from shared.queue.topology import shard_of
from tests.fakes.remote_host import RemoteHost
from tests.integration.deliverer.running import RunningDeliverer, run_deliverer
from tests.integration.world import World


def _neighbours(deliverer: RunningDeliverer) -> tuple[RemoteHost, RemoteHost]:
    """Return two hosts whose deliveries share a queue."""
    first = deliverer.world.remote.host("hanging")
    for number in range(1000):
        other = deliverer.world.remote.host(f"birch{number}")
        if shard_of(other.authority) == shard_of(first.authority):
            return first, other
    raise AssertionError("no two hosts share a shard")


async def test_hanging_host_delays_nobody_in_its_own_queue(deliverer: RunningDeliverer) -> None:
    """While a host lets its requests hang, all others of its queue get everything that comes after."""
    world = deliverer.world
    hanging, birch = _neighbours(deliverer)
    ada = await world.account("ada")
    for host in (hanging, birch):
        await world.follow(host.actor("nora").id, ada)
    hanging.behave("/inbox", delay=60.0)
    posts = [deliverer.post(ada) for _ in range(30)]
    await deliverer.send(*posts)
    await birch.wait_for("Create", count=30)
    await deliverer.until(posts[0], delivered=1, queued=1)
    assert len(hanging.received) <= 1


async def test_hanging_hosts_do_not_hold_the_slots_of_all(
    world: World, own_broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With more hosts hanging than there are slots, the others are delivered to before one of them ends."""
    monkeypatch.setattr("services.fanout_deliverer.worker.IN_FLIGHT", 3)
    async with run_deliverer(world, own_broker_url) as deliverer:
        ada = await world.account("ada")
        hanging = [world.remote.host(f"hanging{number}") for number in range(8)]
        for host in hanging:
            host.behave("/inbox", delay=60.0)
            await world.follow(host.actor("nora").id, ada)
        first = deliverer.post(ada)
        await deliverer.send(first)
        for host in hanging:
            await host.wait_for("Create")
        birch = world.remote.host("birch")
        grace = await world.account("grace")
        await world.follow(birch.actor("nora").id, grace)
        second = deliverer.post(grace)
        await deliverer.send(second)
        await deliverer.until(second, delivered=1)
        assert (await deliverer.states(first)) == {State.QUEUED: 8}


async def test_order_holds_for_an_author_on_a_slow_host(deliverer: RunningDeliverer) -> None:
    """A Delete leaves only after its Create has been answered, however long that takes."""
    world = deliverer.world
    birch = world.remote.host("birch")
    ada = await world.account("ada")
    await world.follow(birch.actor("nora").id, ada)
    birch.behave("/inbox", delay=1.0, times=1)
    post = deliverer.post(ada)
    delete = deliverer.delete(post)
    await deliverer.send(post, delete)
    await deliverer.until(delete, delivered=1)
    first, second = birch.received
    assert (first.type, second.type) == ("Create", "Delete")
    assert second.at - first.at >= 1.0
