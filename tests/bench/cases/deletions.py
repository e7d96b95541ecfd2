"""What a storm of deletions costs all others: a hundred posts that ten thousand servers have are deleted.

Half of the others' posts are measured while nothing else goes on, the other half from when the deletions are
asked for. That the posts went to all these servers, in bulk as so many do, is entered into the database.
"""

import asyncio
import random

import aiohttp

from tests.bench.aims import Aim
from tests.bench.cases.storm import AUTHORS, FOLLOWERS, RATE
from tests.bench.followers import enter, enter_authors
from tests.bench.latencies import compared, latencies
from tests.bench.registry import Case, Figures
from tests.bench.surroundings import Surroundings, post, surroundings
from tests.infrastructure import Infrastructure
from tests.sites import NewAccount

HOSTS = 10_000
DELETIONS = 100

_TOLD = """
INSERT INTO sent_activities
       (activity_hash, activity_uri, type, actor_id, object_hash, body, trace, created_at, planned_at, bulk)
SELECT substr(sha256(uri::bytea), 1, 16), uri, 'Create', $1, substr(sha256(object::bytea), 1, 16),
       'x', '', now(), now(), true
  FROM unnest($2::text[]) AS o (object) CROSS JOIN LATERAL (SELECT object || '/bench' AS uri) AS a
"""
_DELIVERED = """
INSERT INTO deliveries (activity_hash, inbox, host, shared, state, attempts, status, created_at)
SELECT activity_hash, 'http://' || host || '/inbox', host, true, 1, 1, 202, now()
  FROM sent_activities CROSS JOIN unnest($2::text[]) AS host WHERE actor_id = $1 AND body = 'x'
"""


async def _told(around: Surroundings, author: NewAccount, hosts: list[str]) -> list[str]:
    """Return posts of an author that all these hosts have."""
    posts = [await post(around.site, author.access_token, f"Soon gone {n}") for n in range(DELETIONS)]
    await around.connection.execute(_TOLD, int(author.id), posts)
    await around.connection.execute(_DELIVERED, int(author.id), hosts)
    await around.connection.execute("VACUUM (ANALYZE) deliveries")
    return posts


async def _delete(around: Surroundings, author: NewAccount, posts: list[str]) -> None:
    listen = around.site.processes["platform_gateway"].listen
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {author.access_token}"}) as session:
        for uri in posts:
            async with session.delete(f"{listen}/api/v1/statuses/{uri.rpartition('/')[2]}") as answer:
                answer.raise_for_status()


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
            posts = await _told(around, viral, hosts)
            await latencies(around, authors, frozenset(hosts), AUTHORS, RATE)  # opens the connections
            quiet.append(await latencies(around, authors, frozenset(hosts), items, RATE))
            deleting = asyncio.create_task(_delete(around, viral, posts))
            stormy.append(await latencies(around, authors, frozenset(hosts), items, RATE))
            await deleting
    return [compared("alone", quiet, "in a storm", stormy)]


CASE = Case(
    name="deletions",
    title="delivery of others' posts while 100 posts are deleted that 10,000 hosts have; an item is a post",
    measure=measure,
    unit="ms",
    items=60,
    runs=1,
    order=42,
    by_default=False,
    aim=Aim(figure="p99, times", most=1.1, cpu=False),
)
