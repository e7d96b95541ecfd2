"""A signed Follow of a local account that lets people in by hand, from the socket to the commit.

An open account answers at once, and that answer is a delivery with a price of its own.
"""

import itertools
from collections.abc import Iterator

from services.load_generator import payloads
from tests.bench.accounting import Cost
from tests.bench.aims import Aim
from tests.bench.cases.inbound import Creates
from tests.bench.posting import Activity, costs, send, signed
from tests.bench.registry import Case
from tests.bench.surroundings import Surroundings, surroundings
from tests.infrastructure import Infrastructure

LOCALS = 20
WARM_UP = 500


async def _locked_accounts(around: Surroundings) -> list[str]:
    made = [await around.site.account(f"local{number}") for number in range(LOCALS)]
    await around.connection.execute("UPDATE actors SET locked = true WHERE local")
    return [f"{around.site.origin}/users/{account.id}" for account in made]


async def measure(infrastructure: Infrastructure, *, items: int, runs: int) -> list[Cost]:
    """Return the cost of each run; nobody asks twice."""
    actors = (items * runs + WARM_UP) // LOCALS + 1
    async with surroundings(infrastructure, hosts=10, actors_per_host=actors // 10 + 1) as around:
        population = around.population
        accounts = await _locked_accounts(around)
        await send(around, signed(around, Creates(population)(actors)))
        pairs = itertools.product(range(LOCALS), range(actors))

        def follows(count: int) -> Iterator[Activity]:
            for account, number in itertools.islice(pairs, count):
                actor, key = population.actor(number), str(account)
                yield actor, f"{actor.uri}#follows/{key}", payloads.follow(actor, key, accounts[account])

        await send(around, signed(around, follows(WARM_UP)))
        return await costs(around, follows, items=items, runs=runs)


CASE = Case(
    name="inbound-follow",
    title="Follow of an account that approves by hand, 202 to commit",
    measure=measure,
    items=2000,
    order=12,
    aim=Aim(most=250),
)
