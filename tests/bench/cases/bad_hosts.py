"""What dead and slow hosts cost the healthy ones: the same posts to the same hosts, without and with them.

Half of the posts are measured with every host in good health; then a fifth of the hosts close their doors and
a tenth take five seconds, of which the deliverer knows nothing beforehand.
"""

import random

from services.load_generator.characters import GOOD, Cast, Character, cast
from tests.bench.aims import Aim
from tests.bench.followers import enter, enter_authors
from tests.bench.latencies import compared, latencies
from tests.bench.registry import Case, Figures
from tests.bench.surroundings import surroundings
from tests.infrastructure import Infrastructure

HOSTS = 2000
AUTHORS = 8
FOLLOWERS = 20
"""Of each author, each on another host: so many deliveries a post makes."""

RATE = 1.0
"""Posts a second: twenty deliveries, far from what a small machine can do: who waits, waits for a reason."""

SHARES = {"dead": 0.2, "slow": 0.1}
CHARACTERS = {GOOD: Character(), "dead": Character(dead=True), "slow": Character(latency=5.0)}


async def measure(infrastructure: Infrastructure, *, items: int, runs: int) -> list[Figures]:
    """Return the latencies of both halves, one after the other in each run."""
    good, bad = list[list[float]](), list[list[float]]()
    for run in range(runs):
        actors = Cast(cast(SHARES, HOSTS, run), CHARACTERS)
        async with surroundings(infrastructure, hosts=HOSTS, actors_per_host=1, cast=actors) as around:
            hosts = [around.population.host(number) for number in range(HOSTS)]
            fans = await enter(around.connection, hosts)
            authors = await enter_authors(around, fans, AUTHORS, FOLLOWERS, random.Random(7))
            healthy = frozenset(host for number, host in enumerate(hosts) if actors.names[number] == GOOD)
            await latencies(around, authors, healthy, AUTHORS, RATE)  # opens the connections
            good.append(await latencies(around, authors, healthy, items, RATE))
            await around.servers.act()
            bad.append(await latencies(around, authors, healthy, items, RATE))
    return [compared("all healthy", good, "with bad hosts", bad)]


CASE = Case(
    name="bad_hosts",
    title="delivery to healthy hosts, of 2,000 of which 20 % are dead and 10 % take 5 s; an item is a post",
    measure=measure,
    unit="ms",
    items=60,
    runs=3,
    order=40,
    by_default=False,
    aim=Aim(figure="p99, times", most=1.1, cpu=False),
)
