"""How long deliveries take while something else goes on: from when a post was due until each host has it."""

import asyncio
import random
import statistics
import time
from collections.abc import Sequence

from tests.bench.registry import Figures
from tests.bench.surroundings import Surroundings, post
from tests.sites import NewAccount

LATE = 30.0


async def _publish(
    around: Surroundings, authors: Sequence[NewAccount], count: int, rate: float
) -> dict[str, float]:
    """Publish so many posts at moments that chance chooses; return when each was due, by its URI."""
    chance, due, tasks = random.Random(count), time.monotonic(), []

    async def publish(at: float, author: NewAccount, number: int) -> tuple[str, float]:
        await asyncio.sleep(at - time.monotonic())
        return await post(around.site, author.access_token, f"Post {number}"), at

    for number in range(count):
        due += chance.expovariate(rate)
        tasks.append(asyncio.create_task(publish(due, authors[number % len(authors)], number)))
    return dict(await asyncio.gather(*tasks))


async def latencies(
    around: Surroundings, authors: Sequence[NewAccount], healthy: frozenset[str], posts: int, rate: float
) -> list[float]:
    """Return how long each delivery to these hosts took, from when its post was due, in order.

    Args:
        around: The site.
        authors: Who post, in turn.
        healthy: The hosts that are looked at.
        posts: How many posts.
        rate: Posts a second.
    """
    around.servers.arrived.clear()
    sent = await _publish(around, authors, posts, rate)
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


Runs = Sequence[Sequence[float]]


def compared(before: str, quiet: Runs, after: str, troubled: Runs) -> Figures:
    """Return the quantiles of both in milliseconds, medians over the runs, and how many times as long p99 is.

    Of few runs the median of each is steadier than the median of what each makes of the other.
    """
    figures = {
        f"{what}, {name}": statistics.median(_quantile(one, share) for one in found)
        for what, found in ((before, quiet), (after, troubled))
        for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))
    }
    figures["p99, times"] = figures[f"{after}, p99"] / figures[f"{before}, p99"]
    return Figures(figures)
