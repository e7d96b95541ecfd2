"""A signed Create with five local followers, from the socket to the commit."""

from collections.abc import Iterator

from services.load_generator import payloads
from services.load_generator.population import Population
from tests.bench.accounting import Cost
from tests.bench.aims import Aim
from tests.bench.posting import Activity, costs, send, signed
from tests.bench.registry import Case
from tests.bench.surroundings import Surroundings, surroundings
from tests.infrastructure import Infrastructure

ACTORS = 50
FOLLOWERS = 5
WARM_UP = 500


class Creates:
    """Makes posts of a population, none of them twice."""

    def __init__(self, population: Population) -> None:
        self._population = population
        self._next = 0

    def __call__(self, count: int) -> Iterator[Activity]:
        """Return so many new posts, of each actor in turn."""
        return map(self.numbered, self.take(count))

    def take(self, count: int) -> range:
        """Return the numbers of so many new posts, to be made by somebody else."""
        first, self._next = self._next, self._next + count
        return range(first, self._next)

    def numbered(self, number: int) -> Activity:
        """Return the post with this number."""
        actor = self._population.actor(number)
        note = payloads.note_uri(actor, str(number))
        return actor, f"{note}/activity", payloads.create(actor, str(number))


async def let_locals_follow(around: Surroundings) -> None:
    """Have some local accounts follow every remote actor that is known."""
    for number in range(FOLLOWERS):
        await around.site.account(f"local{number}")
    await around.connection.execute(
        """INSERT INTO follows (follower_id, followee_id, state, uri, uri_hash, id)
           SELECT a.actor_id, r.id, 1, format('bench:%s:%s', a.actor_id, r.id),
                  substring(sha256(format('bench:%s:%s', a.actor_id, r.id)::bytea) for 16),
                  row_number() OVER ()
           FROM accounts a JOIN actors l ON l.id = a.actor_id AND l.kind = 0
           CROSS JOIN actors r WHERE NOT r.local"""
    )


async def measure(infrastructure: Infrastructure, *, items: int, runs: int) -> list[Cost]:
    """Return the cost of each run."""
    async with surroundings(infrastructure, hosts=10, actors_per_host=ACTORS // 10) as around:
        creates = Creates(around.population)
        await send(around, signed(around, creates(ACTORS)))
        await let_locals_follow(around)
        await send(around, signed(around, creates(WARM_UP)))
        return await costs(around, creates, items=items, runs=runs)


CASE = Case(
    name="inbound",
    title="Create with 5 local followers, 202 to commit",
    measure=measure,
    order=10,
    aim=Aim(most=320),
)
