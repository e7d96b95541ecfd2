"""One post to very many followers: what the plan costs, and what a deliverer holds meanwhile.

Another deliverer holds all shards, by its leases and not in the flesh: what is planned stays where it is, and
nothing but the plan is measured.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from shared.database import shard_leases
from shared.queue.topology import SHARDS
from tests.bench.accounting import Meter, tree_bytes
from tests.bench.aims import Aim
from tests.bench.registry import Case, Figures
from tests.bench.surroundings import Surroundings, post, surroundings
from tests.infrastructure import Infrastructure, eventually
from tests.integration.deliverer.crowd import let_follow

_DELIVERER = "fanout_deliverer"
_SOMEBODY_ELSE = 1
_SECONDS = 900.0
_LOOK = 0.05
_MIB = 1 << 20


async def measure(
    infrastructure: Infrastructure, *, items: int, runs: int, followers_per_host: int = 10
) -> list[Figures]:
    """Return the cost of each plan; an item is a follower, each with an inbox shared by some others."""
    hosts = max(1, items // followers_per_host)
    async with surroundings(infrastructure, hosts=1, actors_per_host=1) as around:
        ada = await around.site.account("ada")
        await _leave_nothing_to_deliver(around)
        await let_follow(around.connection, int(ada.id), count=items, hosts=hosts)
        await around.connection.execute("ANALYZE")
        return [await _plan(around, ada.access_token, f"Run {run}", hosts) for run in range(runs)]


async def _leave_nothing_to_deliver(around: Surroundings) -> None:
    """Let a deliverer begin anew that holds no shard, for all of them are somebody else's."""
    await around.site.kill(_DELIVERER)
    connection = around.connection
    await connection.execute("DELETE FROM deliverers")
    await shard_leases.beat(connection, _SOMEBODY_ELSE, for_=timedelta(days=1), leaving=False)
    await shard_leases.take(connection, _SOMEBODY_ELSE, range(SHARDS))
    process = await around.site.start_service(_DELIVERER)
    around.pids[_DELIVERER] = [process.pid]


async def _plan(around: Surroundings, token: str, text: str, hosts: int) -> Figures:
    [deliverer] = around.pids[_DELIVERER]
    meter, idle = Meter(around.pids), tree_bytes(deliverer)
    async with _peak(deliverer) as peak:
        uri = await post(around.site, token, text)
        await _until_planned(around, f"{uri}/activity")
    spent = {part: micros / 1000 for part, micros in meter.cost(1).micros.items()}
    await _check(around, f"{uri}/activity", hosts)
    return Figures(
        {
            **{f"{part}, CPU ms": spent[part] for part in (_DELIVERER, "database", "broker")},
            "total": sum(spent.values()),
            "idle deliverer, MiB": idle / _MIB,
            "its peak, MiB": peak[-1] / _MIB,
        }
    )


async def _until_planned(around: Surroundings, activity: str) -> None:
    async def planned() -> bool:
        question = "SELECT planned_at IS NOT NULL FROM sent_activities WHERE activity_uri = $1"
        return bool(await around.connection.fetchval(question, activity))

    await eventually(planned, f"the plan of {activity}", seconds=_SECONDS, pause=_LOOK)


async def _check(around: Surroundings, activity: str, hosts: int) -> None:
    """Stop where there is not one delivery for each of the hosts, waiting to be sent."""
    planned = await around.connection.fetchval(
        """
        SELECT count(*) FROM deliveries d JOIN sent_activities s USING (activity_hash)
         WHERE s.activity_uri = $1 AND d.state = 0
        """,
        activity,
    )
    if planned != hosts:
        raise SystemExit(f"{planned} deliveries are planned for {hosts} hosts")


@asynccontextmanager
async def _peak(pid: int) -> AsyncIterator[list[int]]:
    """Note the most memory that a process has inside the `async with`, by looking often."""
    peak = [0]

    async def look() -> None:
        while True:
            peak[0] = max(peak[0], tree_bytes(pid))
            await asyncio.sleep(_LOOK)

    looking = asyncio.create_task(look())
    try:
        yield peak
    finally:
        looking.cancel()


CASE = Case(
    name="plan",
    title="plan of one post to so many followers, ten on each server",
    measure=measure,
    unit="as said",
    items=100_000,
    runs=1,
    order=22,
    aim=Aim(most=1000, items=100_000),
)
