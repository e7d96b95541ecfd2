"""Other servers in every kind of trouble at once: each is treated as it deserves, the well ones first."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from shared.database.deliveries import State
from shared.protocol.activities import Activity
from shared.remote.addresses import PeerPolicy
from shared.remote.client import GuardedClient
from shared.remote.resolver import DnsLookup
from tests.fakes.remote_host import RemoteHost
from tests.infrastructure import eventually
from tests.integration.deliverer.crowd import let_follow
from tests.integration.deliverer.running import RunningDeliverer, run_deliverer
from tests.integration.remote.raw import Table, dns_server
from tests.integration.world import World, open_world

pytestmark = pytest.mark.faults

HOUR = timedelta(hours=1)
WELL = 5

TROUBLES: dict[str, tuple[dict[str, object], str, str]] = {
    "silent": ({"delay": 60.0}, "parked", "timed_out"),
    "dripping": ({"drip": 1.0}, "parked", "timed_out"),
    "hangs-up": ({"reset": True}, "parked", "answer_broken"),
    "closes-early": ({"close_early": True}, "parked", "answer_broken"),
    "error": ({"status": 500}, "parked", "http_500"),
    "away": ({"status": 503, "headers": {"Retry-After": "7200"}}, "parked", "http_503"),
    "busy": ({"status": 429}, "parked", "http_429"),
    "shameless": ({"status": 429, "headers": {"Retry-After": "604800"}}, "parked", "http_429"),
    "distrusts": ({"status": 401}, "parked", "http_401"),
    "elsewhere": ({"redirect": "http://127.0.0.1:1/inbox"}, "parked", "http_302"),
    "gone": ({"status": 410}, "dead", "host_gone"),
    "unknown": ({"status": 404}, "dead", "http_404"),
    "picky": ({"status": 422}, "dead", "http_422"),
    "too-small": ({"status": 413}, "dead", "http_413"),
}
"""What a host does, the state in which a delivery to it ends up, and the reason that is kept."""

NAMES: Table = {"broken0.example": 2, "mute0.example": None}
DNS_REASONS = {
    "absent0.example": "dns_not_found",
    "broken0.example": "dns_failed",
    "mute0.example": "dns_timed_out",
}


@pytest.fixture
async def world(own_database_url: str) -> AsyncIterator[World]:
    """Yield a site of its own with a fake fediverse around it."""
    async with open_world(own_database_url) as opened:
        yield opened


async def _all_well(deliverer: RunningDeliverer, post: Activity, hosts: list[RemoteHost]) -> None:
    """Wait until these hosts have got a post, and see that their deliveries are recorded so."""
    names = {host.authority for host in hosts}

    async def reached() -> bool:
        record = await deliverer.record(post)
        return {one.host for one in record if one.state is State.DELIVERED} == names

    await eventually(reached, "the deliveries to hosts that are well")


async def test_troubled_hosts_are_told_apart_and_hold_up_nobody(world: World, own_broker_url: str) -> None:
    """Of one post each host in trouble ends as its trouble demands; the others have it long before."""
    ada = await world.account("ada")
    hosts = {name: world.remote.host(name) for name in TROUBLES}
    well = [world.remote.host(f"well{number}") for number in range(WELL)]
    for host in [*hosts.values(), *well]:
        await world.follow(host.actor("nora").id, ada)
    for name, host in hosts.items():
        host.behave("/inbox", **TROUBLES[name][0])
    in_two_hours = format_datetime(datetime.now(UTC) + 2 * HOUR, usegmt=True)
    hosts["busy"].behave("/inbox", status=429, headers={"Retry-After": in_two_hours})
    async with run_deliverer(world, own_broker_url) as deliverer:
        first, second = deliverer.post(ada), deliverer.post(ada)
        await deliverer.send(first)
        await _all_well(deliverer, first, well)
        waiting = {one.host for one in await deliverer.record(first) if one.state is State.QUEUED}
        assert {hosts["silent"].authority, hosts["dripping"].authority} <= waiting, "they held up the others"
        await deliverer.send(second)
        await _all_well(deliverer, second, well)
        dead = sum(state == "dead" for _, state, _ in TROUBLES.values())
        await deliverer.until(first, delivered=WELL, dead=dead, parked=len(TROUBLES) - dead)
        ended = {one.host: one for one in await deliverer.record(first)}
    for name, (_, state, reason) in TROUBLES.items():
        assert hosts[name].received, f"{name} was never asked"
        report = ended[hosts[name].authority]
        assert (report.state.name.lower(), report.reason) == (state, reason), name
    for name, least, most in (("away", 2, 2), ("busy", 2, 2), ("shameless", 24, 24)):
        at = ended[hosts[name].authority].next_try_at
        assert at is not None
        wait = at - datetime.now(UTC)
        assert least * HOUR - timedelta(minutes=5) < wait <= most * HOUR, name


async def test_host_that_changes_its_mind_is_followed(world: World, own_broker_url: str) -> None:
    """A host that takes another signature from one day to the next gets everything, with one more knock."""
    ada, birch = await world.account("ada"), world.remote.host("birch")
    await world.follow(birch.actor("nora").id, ada)
    async with run_deliverer(world, own_broker_url) as deliverer:
        for scheme in ("cavage", "rfc9421", "cavage"):
            birch.schemes = frozenset({scheme})
            for _ in "12":
                post = deliverer.post(ada)
                await deliverer.send(post)
                await deliverer.until(post, delivered=1)
            assert (await deliverer.host(birch.authority)).scheme == scheme
    assert [one.scheme for one in birch.received if one.status == 401] == ["cavage", "rfc9421"]
    assert len(birch.activities()) == 6


@asynccontextmanager
async def _with_names(world: World, table: Table) -> AsyncIterator[tuple[World, list[str]]]:
    """Yield a world whose client asks a DNS server of ours, and the names that it was asked for."""
    async with dns_server(table) as (server, address):
        lookup = DnsLookup([address], timeout=0.5)
        policy = PeerPolicy(allow_private=True)
        async with GuardedClient(
            policy, user_agent="Heddle/test", own_hosts=[world.uris.host], lookup=lookup
        ) as client:
            yield replace(world, client=client), server.asked
        await lookup.close()


async def test_names_that_lead_nowhere_are_told_apart(world: World, own_broker_url: str) -> None:
    """A name that does not exist, one whose DNS fails and one whose DNS is silent: each parked for itself."""
    ada, birch = await world.account("ada"), world.remote.host("birch")
    await world.follow(birch.actor("nora").id, ada)
    async with world.pool.acquire() as conn:
        for name in DNS_REASONS:
            await let_follow(conn, ada, count=1, hosts=1, prefix=name.removesuffix("0.example"))
    async with (
        _with_names(world, NAMES) as (asking, asked),
        run_deliverer(asking, own_broker_url) as deliverer,
    ):
        post = deliverer.post(ada)
        await deliverer.send(post)
        await deliverer.until(post, delivered=1, parked=3)
        ended = {one.host: one.reason for one in await deliverer.record(post) if one.state is State.PARKED}
        failing = {name: (await deliverer.host(name)).failures for name in DNS_REASONS}
    assert ended == DNS_REASONS
    assert set(failing.values()) == {1}
    assert set(DNS_REASONS) <= set(asked)
