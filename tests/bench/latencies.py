"""How long deliveries take while something else goes on: from when a post was due until each host has it."""

import asyncio
import random
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


def compared(before: str, quiet: Sequence[float], after: str, troubled: Sequence[float]) -> Figures:
    """Return the quantiles of both, in milliseconds, and how many times as long the slowest took."""
    figures = {
        f"{what}, {name}": _quantile(found, share)
        for what, found in ((before, quiet), (after, troubled))
        for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))
    }
    figures["p99, times"] = figures[f"{after}, p99"] / figures[f"{before}, p99"]
    return Figures(figures)
