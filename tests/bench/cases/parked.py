"""Deliveries parked for hosts that do not answer: they cost space in the database, and that alone."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from services.fanout_deliverer.backlog import HOSTS_AT_ONCE, LOOK_AHEAD
from shared.database import console_reads, hosts, parked_deliveries
from shared.database.pool import Connection
from shared.policy.retry import LIFETIME
from shared.queue.management import Management
from tests.bench.accounting import Meter, tree_bytes
from tests.bench.registry import Case, Figures
from tests.bench.surroundings import Surroundings, surroundings
from tests.infrastructure import Infrastructure, vhost_of

HOSTS = 1000
SECONDS = 60.0
_MIB = 1 << 20

_PARK = """
WITH sent AS (
    INSERT INTO sent_activities
           (activity_hash, activity_uri, type, actor_id, object_hash, body, trace, created_at, planned_at)
    SELECT substr(sha256(uri::bytea), 1, 16), uri, 'Create', $1, substr(sha256(uri::bytea), 1, 16),
           convert_to(repeat('x', 2000), 'UTF8'), '', now(), now()
      FROM generate_series(1, $2::integer / $3) AS n
     CROSS JOIN LATERAL (SELECT 'http://bench.localhost/activities/' || n AS uri) AS u
    RETURNING activity_hash)
INSERT INTO deliveries (activity_hash, inbox, host, shared, state, attempts, reason, created_at)
SELECT activity_hash, 'http://' || host || '/inbox', host, true, 2, 1, 'connect_failed', now()
  FROM sent CROSS JOIN generate_series(1, $3) AS h
 CROSS JOIN LATERAL (SELECT format('dead%s.localhost:9', h) AS host) AS named
"""
_FAIL = """
INSERT INTO hosts (host, failures, troubles, last_error, last_failure_at, next_try_at)
SELECT host, 1, 1, 'connect_failed', now(), now() + random() * $1 * interval '1 second'
  FROM (SELECT DISTINCT host FROM deliveries) AS named
"""


async def _space(around: Surroundings) -> int:
    return int(
        await around.connection.fetchval(
            "SELECT pg_total_relation_size('deliveries') + pg_total_relation_size('hosts')"
        )
    )


async def _queued(infrastructure: Infrastructure, broker_url: str) -> float:
    async with Management(infrastructure.management_url, vhost_of(broker_url)) as management:
        return float(sum(queue.messages for queue in await management.queues()))


async def _milliseconds(question: Callable[[], Awaitable[object]]) -> float:
    """Return how long the database takes to answer, the second time it is asked."""
    await question()
    begun = time.monotonic()
    await question()
    return 1000 * (time.monotonic() - begun)


async def _questions(conn: Connection) -> dict[str, float]:
    """Return how long what is asked by the clock takes, and what operators ask, in milliseconds."""
    now = datetime.now(UTC)
    host = await conn.fetchval("SELECT host FROM deliveries LIMIT 1")
    asked: dict[str, Callable[[], Awaitable[object]]] = {
        "what is due of a host": lambda: parked_deliveries.lock_parked(conn, host, now, LOOK_AHEAD),
        "what is too old of a host": lambda: parked_deliveries.expire(conn, host, now - LIFETIME),
        "when a host is looked at next": lambda: parked_deliveries.next_due(conn, host),
        "which hosts are due": lambda: hosts.due_hosts(conn, now, HOSTS_AT_ONCE),
        "how many are parked": lambda: parked_deliveries.count_parked(conn),
        "heddle host list": lambda: console_reads.hosts_in_order_of_trouble(
            conn, only_troubled=False, limit=200
        ),
    }
    return {f"{name}, ms": await _milliseconds(question) for name, question in asked.items()}


async def measure(infrastructure: Infrastructure, *, items: int, runs: int) -> list[Figures]:
    """Return what the parked ones cost while each of their hosts is probed once within a minute."""
    measured = []
    for _ in range(runs):
        async with surroundings(infrastructure, hosts=1, actors_per_host=1) as around:
            ada = await around.site.account("ada")
            deliverer = around.site.processes["fanout_deliverer"].pid
            space, memory = await _space(around), tree_bytes(deliverer)
            await around.connection.execute(_PARK, int(ada.id), items, HOSTS)
            await around.connection.execute(_FAIL, SECONDS)
            await around.connection.execute("VACUUM (ANALYZE) deliveries")  # as autovacuum does by itself
            meter = Meter(around.pids)
            await asyncio.sleep(SECONDS + 5)
            cost = meter.cost(1).micros
            figures = {
                "bytes in the database, each": (await _space(around) - space) / items,
                "deliverer before, MiB": memory / _MIB,
                "deliverer after, MiB": tree_bytes(deliverer) / _MIB,
                "messages in the queues after": await _queued(infrastructure, around.site.broker_url),
                "deliverer, CPU % meanwhile": cost["fanout_deliverer"] / 1e4 / SECONDS,
                "database, CPU % meanwhile": cost["database"] / 1e4 / SECONDS,
                "hosts probed meanwhile": float(
                    await around.connection.fetchval("SELECT count(*) FROM hosts WHERE failures > 1")
                ),
            }
            measured.append(Figures(figures | await _questions(around.connection)))
    return measured


CASE = Case(
    name="parked",
    title="deliveries parked for 1,000 dead hosts",
    measure=measure,
    unit="as said",
    items=100_000,
    runs=1,
    order=31,
    by_default=False,
)
