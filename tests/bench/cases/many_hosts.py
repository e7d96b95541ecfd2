"""What a deliverer holds once it knows very many hosts: each has been delivered to, some stay connected."""

from tests.bench.accounting import tree_bytes
from tests.bench.aims import Aim
from tests.bench.cases.outbound import until_arrived
from tests.bench.followers import enter, follow
from tests.bench.registry import Case, Figures
from tests.bench.surroundings import post, surroundings
from tests.infrastructure import Infrastructure

POSTS = 2
_MIB = 1 << 20


async def measure(infrastructure: Infrastructure, *, items: int, runs: int) -> list[Figures]:
    """Return the private memory of the deliverer before, and after some posts to each of the hosts."""
    measured = []
    for _ in range(runs):
        async with surroundings(infrastructure, hosts=items, actors_per_host=1) as around:
            ada = await around.site.account("ada")
            hosts = [around.population.host(number) for number in range(items)]
            await follow(around.connection, int(ada.id), await enter(around.connection, hosts))
            deliverer = around.site.processes["fanout_deliverer"].pid
            before = tree_bytes(deliverer)
            for number in range(POSTS):
                await post(around.site, ada.access_token, f"Post {number}")
                await until_arrived(around, (number + 1) * items)
            figures = {"idle": before / _MIB, "all hosts known": tree_bytes(deliverer) / _MIB}
            measured.append(Figures(figures))
    return measured


CASE = Case(
    name="many_hosts",
    title="private memory of a deliverer that knows so many hosts",
    measure=measure,
    unit="MiB",
    items=10_000,
    runs=1,
    order=30,
    by_default=False,
    aim=Aim(figure="all hosts known", most=200, cpu=False, items=10_000),
)
