"""What dead and slow hosts cost the healthy ones: the same posts to the same hosts, without and with them.

Half of the posts are measured with every host in good health; then a fifth of the hosts close their doors and
a tenth take five seconds, of which the deliverer knows nothing beforehand.
"""

import asyncio
import random
import time
from collections.abc import Sequence

from services.load_generator.characters import GOOD, Cast, Character, cast
from tests.bench.followers import enter, follow
from tests.bench.registry import Case, Figures
from tests.bench.surroundings import Surroundings, post, surroundings
from tests.infrastructure import Infrastructure
from tests.sites import NewAccount

HOSTS = 2000
AUTHORS = 8
FOLLOWERS = 100
"""Of each author, each on another host: so many deliveries a post makes."""

RATE = 0.5
"""Posts a second: fifty deliveries, which leaves a small machine room."""

SHARES = {"dead": 0.2, "slow": 0.1}
CHARACTERS = {GOOD: Character(), "dead": Character(dead=True), "slow": Character(latency=5.0)}
LATE = 30.0


async def _audiences(around: Surroundings) -> list[NewAccount]:
    chance = random.Random(7)
    hosts = [around.population.host(number) for number in range(HOSTS)]
    fans = await enter(around.connection, hosts)
    authors = [await around.site.account(f"author{number}") for number in range(AUTHORS)]
    for author in authors:
        await follow(around.connection, int(author.id), chance.sample(fans, FOLLOWERS))
    return authors


async def _publish(around: Surroundings, authors: Sequence[NewAccount], count: int) -> dict[str, float]:
    """Publish so many posts at moments that chance chooses; return when each was due, by its URI."""
    chance, due, tasks = random.Random(count), time.monotonic(), []

    async def publish(at: float, author: NewAccount, number: int) -> tuple[str, float]:
        await asyncio.sleep(at - time.monotonic())
        return await post(around.site, author.access_token, f"Post {number}"), at

    for number in range(count):
        due += chance.expovariate(RATE)
        tasks.append(asyncio.create_task(publish(due, authors[number % AUTHORS], number)))
    return dict(await asyncio.gather(*tasks))


async def _latencies(
    around: Surroundings, authors: Sequence[NewAccount], healthy: frozenset[str], posts: int
) -> list[float]:
    """Return how long each delivery to a healthy host took, from when its post was due."""
    around.servers.arrived.clear()
    sent = await _publish(around, authors, posts)
    expected = await around.connection.fetchval(
        """SELECT count(*) FROM deliveries d JOIN sent_activities s USING (activity_hash)
            WHERE d.host = ANY($1::text[]) AND s.activity_uri = ANY($2::text[])""",
        list(healthy),
        [f"{uri}/activity" for uri in sent],
    )

    def arrived() -> list[float]:
        return [
            one.at - sent[one.object_id]
            for one in list(around.servers.arrived)
            if one.host in healthy and one.object_id in sent
        ]

    await around.servers.wait_until(lambda: len(arrived()) >= expected, seconds=LATE + posts)
    return sorted(arrived())


def _quantile(found: Sequence[float], share: float) -> float:
    return 1000 * found[min(len(found) - 1, int(share * len(found)))]


async def measure(infrastructure: Infrastructure, *, items: int, runs: int) -> list[Figures]:
    """Return the latencies of both halves in each run."""
    measured = []
    for run in range(runs):
        actors = Cast(cast(SHARES, HOSTS, run), CHARACTERS)
        async with surroundings(infrastructure, hosts=HOSTS, actors_per_host=1, cast=actors) as around:
            authors = await _audiences(around)
            healthy = frozenset(
                around.population.host(number) for number in range(HOSTS) if actors.names[number] == GOOD
            )
            await _latencies(around, authors, healthy, AUTHORS)  # opens the connections
            good = await _latencies(around, authors, healthy, items)
            await around.servers.act()
            bad = await _latencies(around, authors, healthy, items)
        figures = {
            f"{what}, {name}": _quantile(found, share)
            for what, found in (("all healthy", good), ("with bad hosts", bad))
            for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))
        }
        figures["p99, times"] = figures["with bad hosts, p99"] / figures["all healthy, p99"]
        measured.append(Figures(figures))
    return measured


CASE = Case(
    name="bad_hosts",
    title="delivery to healthy hosts, of 2,000 of which 20 % are dead and 10 % take 5 s; an item is a post",
    measure=measure,
    unit="ms",
    items=60,
    runs=1,
    order=40,
    by_default=False,
)
