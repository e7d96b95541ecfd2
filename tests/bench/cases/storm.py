"""What one author's storm costs all others: the same posts to the same hosts, without and with it.

Half of the posts are measured while nothing else goes on; the other half while an author with a follower on
every host posts again and again.
"""

import asyncio
import random

from tests.bench.aims import Aim
from tests.bench.followers import enter, enter_authors, follow
from tests.bench.latencies import compared, latencies
from tests.bench.registry import Case, Figures
from tests.bench.surroundings import post, surroundings
from tests.infrastructure import Infrastructure

HOSTS = 1000
AUTHORS = 8
FOLLOWERS = 20
"""Of each author, each on another host: so many deliveries a post makes."""

RATE = 1.0
STORM = 20
"""Posts of the author whom all follow, at once: twenty thousand deliveries."""


async def measure(infrastructure: Infrastructure, *, items: int, runs: int) -> list[Figures]:
    """Return the latencies of both halves, one after the other in each run."""
    quiet, stormy = list[list[float]](), list[list[float]]()
    for run in range(runs):
        chance = random.Random(run)
        async with surroundings(infrastructure, hosts=HOSTS, actors_per_host=1) as around:
            hosts = [around.population.host(number) for number in range(HOSTS)]
            fans = await enter(around.connection, hosts)
            authors = await enter_authors(around, fans, AUTHORS, FOLLOWERS, chance)
            viral = await around.site.account("viral")
            await follow(around.connection, int(viral.id), fans)
            all_hosts = frozenset(hosts)
            await latencies(around, authors, all_hosts, AUTHORS, RATE)  # opens the connections
            quiet.append(await latencies(around, authors, all_hosts, items, RATE))
            await asyncio.gather(
                *(post(around.site, viral.access_token, f"Storm {number}") for number in range(STORM))
            )
            stormy.append(await latencies(around, authors, all_hosts, items, RATE))
    return [compared("alone", quiet, "in a storm", stormy)]


CASE = Case(
    name="storm",
    title="delivery of others' posts while one author sends 20 posts to 1,000 hosts; an item is a post",
    measure=measure,
    unit="ms",
    items=60,
    runs=3,
    order=41,
    by_default=False,
    aim=Aim(figure="p99, times", most=1.1, cpu=False),
)
