"""A public post to followers on many servers: one signed POST to each, over kept connections."""

import asyncio

from tests.bench.accounting import Cost, Meter
from tests.bench.aims import RSA_SIGN, Aim
from tests.bench.followers import enter, follow
from tests.bench.registry import Case
from tests.bench.surroundings import Surroundings, post, surroundings
from tests.infrastructure import Infrastructure

HOSTS = 300


async def until_arrived(around: Surroundings, count: int) -> None:
    """Return once so many posts have arrived at the servers."""

    def reached() -> bool:
        return sum(one.type == "Create" for one in around.servers.arrived) >= count

    await around.servers.wait_until(reached, seconds=300)


async def measure(
    infrastructure: Infrastructure, *, items: int, runs: int, ed25519: bool = False
) -> list[Cost]:
    """Return the cost of each run; an item is a delivery."""
    costs = []
    posts = max(1, items // HOSTS)
    async with surroundings(infrastructure, hosts=HOSTS, actors_per_host=1) as around:
        ada = await around.site.account("ada")
        hosts = [around.population.host(number) for number in range(HOSTS)]
        await follow(around.connection, int(ada.id), await enter(around.connection, hosts))
        if ed25519:
            await around.connection.execute(
                "INSERT INTO hosts (host, ed25519_seen_at) SELECT h, now() FROM unnest($1::text[]) AS h",
                hosts,
            )
        for run in range(runs + 1):
            before = sum(one.type == "Create" for one in around.servers.arrived)
            meter = Meter(around.pids)
            await asyncio.gather(
                *(post(around.site, ada.access_token, f"Run {run}, post {number}") for number in range(posts))
            )
            await until_arrived(around, before + posts * HOSTS)
            if run:  # the first one opens the connections
                costs.append(meter.cost(posts * HOSTS))
    return costs


CASE = Case(
    name="outbound",
    title="delivery to a distinct host, warm, RSA-2048",
    measure=measure,
    order=20,
    aim=Aim(most=380, rsa=RSA_SIGN),
)
