"""Ed25519 signatures: sent to those who take them, and to nobody twice who does not."""

from collections.abc import Sequence

import pytest

from shared.database.hosts import note_ed25519
from tests.fakes.remote_host import RemoteHost
from tests.integration.deliverer.running import RunningDeliverer

EVERYTHING = frozenset({"cavage", "rfc9421", "ed25519"})


@pytest.fixture
async def birch(deliverer: RunningDeliverer) -> RemoteHost:
    """Return a remote host."""
    return deliverer.world.remote.host("birch")


@pytest.fixture
async def ada(deliverer: RunningDeliverer, birch: RemoteHost) -> int:
    """Return a local account with a follower on `birch`."""
    account = await deliverer.world.account("ada")
    await deliverer.world.follow(birch.actor("nora").id, account)
    return account


async def _has_shown(deliverer: RunningDeliverer, host: RemoteHost) -> None:
    async with deliverer.world.pool.acquire() as conn:
        await note_ed25519(conn, [host.authority])


async def _send(deliverer: RunningDeliverer, author: int, times: int = 1) -> None:
    for _ in range(times):
        post = deliverer.post(author)
        await deliverer.send(post)
        await deliverer.until(post, delivered=1)


def _knocks(host: RemoteHost) -> Sequence[tuple[str, int]]:
    return [
        ("ed25519" if one.key_id.endswith("#ed25519-key") else one.scheme, one.status)
        for one in host.received
    ]


async def test_unknown_host_is_not_tried_with_it(
    deliverer: RunningDeliverer, birch: RemoteHost, ada: int
) -> None:
    """Who has not shown that it takes Ed25519 gets what all take, even if it would."""
    birch.schemes = EVERYTHING
    await _send(deliverer, ada, times=2)
    assert _knocks(birch) == [("cavage", 202), ("cavage", 202)]


async def test_host_that_takes_it_gets_it(deliverer: RunningDeliverer, birch: RemoteHost, ada: int) -> None:
    """Who has shown it is sent Ed25519 signatures that a server of another making finds good."""
    birch.schemes = frozenset({"ed25519"})
    await _has_shown(deliverer, birch)
    await _send(deliverer, ada, times=2)
    assert _knocks(birch) == [("ed25519", 202), ("ed25519", 202)]
    assert (await deliverer.host(birch.authority)).scheme == "ed25519"


@pytest.mark.parametrize("taken", ["cavage", "rfc9421"])
async def test_host_that_refuses_it_is_asked_once(
    deliverer: RunningDeliverer, birch: RemoteHost, ada: int, taken: str
) -> None:
    """Who refuses it is delivered to with what it takes in the same attempt, and is not asked again soon."""
    birch.schemes = frozenset({taken})
    await _has_shown(deliverer, birch)
    await _send(deliverer, ada, times=2)
    refused = ["ed25519"] if taken == "cavage" else ["ed25519", "cavage"]
    assert _knocks(birch) == [*((manner, 401) for manner in refused), (taken, 202), (taken, 202)]
    await _has_shown(deliverer, birch)
    assert not (await deliverer.host(birch.authority)).takes_ed25519


async def test_host_changes_its_mind_and_back(
    deliverer: RunningDeliverer, birch: RemoteHost, ada: int
) -> None:
    """Nothing is lost when a host takes it no more, and after a week it is asked whether it does again."""
    birch.schemes = EVERYTHING
    await _has_shown(deliverer, birch)
    await _send(deliverer, ada)
    birch.schemes = frozenset({"cavage"})
    await _send(deliverer, ada, times=2)
    birch.schemes = EVERYTHING
    async with deliverer.world.pool.acquire() as conn:
        await conn.execute("UPDATE hosts SET ed25519_refused_at = now() - interval '8 days'")
    await _send(deliverer, ada)
    assert _knocks(birch) == [
        ("ed25519", 202),
        ("ed25519", 401),
        ("cavage", 202),
        ("cavage", 202),
        ("ed25519", 202),
    ]


async def test_gone_is_gone_whatever_the_signature(
    deliverer: RunningDeliverer, birch: RemoteHost, ada: int
) -> None:
    """An answer to a signature that a host is known to take stands, whatever it said to Ed25519 before."""
    await _send(deliverer, ada)
    await _has_shown(deliverer, birch)
    birch.behave("/inbox", status=410)
    post = deliverer.post(ada)
    await deliverer.send(post)
    await deliverer.until(post, dead=1)
    (report,) = await deliverer.record(post)
    assert (report.status, report.reason) == (410, "host_gone")
    assert [manner for manner, _ in _knocks(birch)] == ["cavage", "ed25519", "cavage"]
