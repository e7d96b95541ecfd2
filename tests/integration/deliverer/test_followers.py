"""Followers synchronisation (FEP-8fcf): what is told along with a delivery."""

import pytest

from shared.protocol.synchronization import HEADER, digest_of, read_synchronization
from tests.integration.deliverer.running import RunningDeliverer


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
async def test_a_post_for_followers_tells_each_host_who_of_its_own_follows(
    deliverer: RunningDeliverer, scheme: str
) -> None:
    """The signed digest is that of the followers on the host that gets the post, whatever signs it."""
    world = deliverer.world
    ada = await world.account("ada")
    birch, fir = world.remote.host("birch"), world.remote.host("fir")
    people = {host: [host.actor(f"p{number}").id for number in range(2)] for host in (birch, fir)}
    for host, ids in people.items():
        host.schemes = frozenset({scheme})
        for uri in ids:
            await world.follow(uri, ada)
    post = deliverer.post(ada, to=(world.uris.followers(ada),))
    await deliverer.send(post)
    await deliverer.until(post, delivered=2)
    for host, ids in people.items():
        received = host.activities()[0]
        assert HEADER.lower() in str(
            received.headers["signature-input" if scheme == "rfc9421" else "signature"]
        )
        said = read_synchronization(received.headers[HEADER.lower()])
        assert said is not None
        assert said.collection == world.uris.followers(ada)
        assert said.url == world.uris.followers_synchronization(ada)
        assert said.digest == digest_of(ids)


async def test_a_public_post_tells_nobody_who_follows(deliverer: RunningDeliverer) -> None:
    """What everybody may see needs no agreement about followers, and costs no digest."""
    world = deliverer.world
    ada, nora = await world.account("ada"), world.remote.host("birch").actor("nora")
    await world.follow(nora.id, ada)
    post = deliverer.post(ada)
    await deliverer.send(post)
    await deliverer.until(post, delivered=1)
    assert HEADER.lower() not in nora.host.activities()[0].headers
