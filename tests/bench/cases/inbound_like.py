"""A signed Like of a local post, from the socket to the commit."""

import itertools
from collections.abc import Iterator

from services.load_generator import payloads
from tests.bench.accounting import Cost
from tests.bench.aims import Aim
from tests.bench.cases.inbound import Creates
from tests.bench.posting import Activity, costs, send, signed
from tests.bench.registry import Case
from tests.bench.surroundings import Surroundings, post, surroundings
from tests.infrastructure import Infrastructure

ACTORS = 200
WARM_UP = 500


async def _local_posts(around: Surroundings, count: int) -> list[str]:
    ada = await around.site.account("ada")
    for number in range(count):
        await post(around.site, ada.access_token, f"Post {number}")
    rows = await around.connection.fetch("SELECT uri FROM statuses WHERE local ORDER BY id")
    return [row["uri"] for row in rows]


async def measure(infrastructure: Infrastructure, *, items: int, runs: int) -> list[Cost]:
    """Return the cost of each run; nobody likes a post twice."""
    async with surroundings(infrastructure, hosts=10, actors_per_host=ACTORS // 10) as around:
        population = around.population
        await send(around, signed(around, Creates(population)(ACTORS)))
        posts = await _local_posts(around, (items * runs + WARM_UP) // ACTORS + 1)
        pairs = itertools.product(posts, range(ACTORS))

        def likes(count: int) -> Iterator[Activity]:
            for liked, number in itertools.islice(pairs, count):
                actor, key = population.actor(number), f"{number}-{liked.rpartition('/')[2]}"
                yield actor, f"{actor.uri}#likes/{key}", payloads.like(actor, key, liked)

        await send(around, signed(around, likes(WARM_UP)))
        return await costs(around, likes, items=items, runs=runs)


CASE = Case(
    name="inbound-like",
    title="Like of a local post, 202 to commit",
    measure=measure,
    order=11,
    aim=Aim(most=250),
)
