"""The broker loses all that it held; what the database holds is sent from there, by the runbook's command."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import msgspec
import pytest

from services.load_generator import payloads
from services.load_generator.signing import sign_all
from shared.queue.topology import FANOUT_PLAN
from tests.faults.figures import Figures
from tests.faults.private_broker import is_fetched, private_broker
from tests.faults.traffic import HOSTS, Traffic, traffic_to
from tests.infrastructure import eventually
from tests.sites import PIPELINE, Site

POSTS = 3
DELIVERIES = "deliveries d JOIN sent_activities s USING (activity_hash) WHERE s.type = 'Create'"
LATENCY = 2.0
"""Seconds that the followers' servers take: long enough to be killed while they are waited for."""

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not is_fetched(), reason="RabbitMQ's programs are not fetched: `make test` does it"),
]


async def test_a_wiped_broker_is_filled_from_the_database(
    own_database_url: str, tmp_path: Path, figures: Figures
) -> None:
    """With the broker's data gone, `heddle queue rebuild` has every post delivered that was to be."""
    async with private_broker(tmp_path / "broker") as server:
        site = Site(name="loom", database_url=own_database_url, broker_url=server.url, folder=tmp_path)
        async with traffic_to(site, figures, services=PIPELINE, latency=LATENCY) as traffic:
            await _be_followed(traffic)
            planned = await _posts(traffic, POSTS)
            await _count_is(traffic, DELIVERIES, POSTS * HOSTS)
            await site.kill("fanout_deliverer")
            unplanned = await _posts(traffic, POSTS)
            await _count_is(traffic, "claims WHERE local", 2 * POSTS)
            await _count_is(traffic, "outbox", 0)

            server.kill()
            server.wipe()
            await server.start()
            await site.start_service("fanout_deliverer")
            await asyncio.gather(*(site.wait_ready(service) for service in site.processes))
            assert (await traffic.ready_in(FANOUT_PLAN), await _lost(traffic) > 0) == (0, True)
            with figures.recovery("broker"):
                figures.note(**await _rebuild(site))
                await _count_is(traffic, f"{DELIVERIES} AND d.state = 1", 2 * POSTS * HOSTS)
            arrived = _arrived(traffic)
            assert set(arrived) == _everywhere(traffic, planned + unplanned)
            # Twice came at most what was on its way when the deliverer was killed.
            assert {post for (_, post), times in arrived.items() if times > 1} <= set(planned)

            await _rebuild(site)
            last = _everywhere(traffic, await _posts(traffic, 1))
            await eventually(lambda: last <= set(_arrived(traffic)), "a last post, behind all others")
            assert _arrived(traffic) == arrived + Counter(last), "a second time it was not without effect"
            await traffic.deliver(traffic.make())
            await traffic.applied()


async def _be_followed(traffic: Traffic) -> None:
    """Have somebody of every server follow the local account."""
    actors = [traffic.population.actor(number) for number in range(HOSTS)]
    follows = [
        (actor, f"{actor.uri}#follows/1", payloads.follow(actor, "1", traffic.mention)) for actor in actors
    ]
    for request in sign_all(traffic.population.keys, f"{traffic.site.origin}/inbox", follows):
        await traffic.deliver(request)
    await _count_is(traffic, "deliveries WHERE state = 1", HOSTS)


async def _posts(traffic: Traffic, count: int) -> list[str]:
    """Have the local account write posts, all at once; returns the ids of their activities."""
    url = f"{traffic.site.processes['platform_gateway'].listen}/api/v1/statuses"
    headers = {"Authorization": f"Bearer {traffic.account.access_token}"}

    async def write(session: aiohttp.ClientSession) -> str:
        async with session.post(url, json={"status": "Good morning"}, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return f"{(await answer.json())['uri']}/activity"

    async with aiohttp.ClientSession() as session:
        return await asyncio.gather(*(write(session) for _ in range(count)))


async def _rebuild(site: Site) -> dict[str, int]:
    return msgspec.json.decode(await site.command("queue", "rebuild", "--json"), type=dict[str, int])


async def _lost(traffic: Traffic) -> int:
    """Return how many deliveries the database believes in a queue that is empty."""
    count: int = await traffic.pool.fetchval("SELECT count(*) FROM deliveries WHERE state = 0")
    return count


def _arrived(traffic: Traffic) -> Counter[tuple[str, str]]:
    return Counter((one.host, one.activity_id) for one in traffic.servers.arrived if one.type == "Create")


def _everywhere(traffic: Traffic, posts: Sequence[str]) -> set[tuple[str, str]]:
    return {(traffic.population.host(number), post) for number in range(HOSTS) for post in posts}


async def _count_is(traffic: Traffic, rows: str, count: int) -> None:
    async def reached() -> bool:
        return bool(await traffic.pool.fetchval(f"SELECT count(*) FROM {rows}") == count)  # noqa: S608

    await eventually(reached, f"{count} in {rows}", seconds=60)
