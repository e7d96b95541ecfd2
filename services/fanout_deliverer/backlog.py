"""What is parked goes out again: one probe for a failing host, then its backlog at a growing pace."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog

from shared.database import bulk, hosts, parked_deliveries, superseding
from shared.database.hosts import Host
from shared.database.parked_deliveries import Parked
from shared.database.pool import Connection, Pool, unavailable_when_down
from shared.policy.retry import LIFETIME
from shared.protocol.errors import Unavailable
from shared.protocol.identifiers import uri_hash
from shared.protocol.messages import Codec, Delivery, Target
from shared.queue.publisher import Payload, Publisher, encode_batches
from shared.queue.topology import deliver_queue, shard_of
from shared.telemetry import metrics

log = structlog.get_logger(__name__)

TICK = timedelta(seconds=1)
"""How often due hosts are looked for, and how long a draining host has for each portion."""

PROBE_LEASE = timedelta(minutes=2)
"""When a probe of which nothing was heard is sent again."""

TOP_PACE = 64
HOSTS_AT_ONCE = 50

HOSTS_REMEMBERED = 4096
"""Of which this process knows what it let go last."""

LOOK_AHEAD = 16
"""Deliveries that are looked at, at least: some of them may be pointless by now."""

MAX_ROUNDS = 200
GAUGES_EVERY = 15.0
GAUGES_SHARE = 200
"""So many times as long as counting took passes before the next count: a million rows take a while."""


class Backlog:
    """Lets parked deliveries go, into the queues of their hosts' shards.

    Several processes may do so at once: each host is locked while it is looked at. What was published
    before a crash and not marked is published again; its second copy finds the first one settled.

    Args:
        pool: The database.
        publisher: For the deliveries.
    """

    def __init__(self, pool: Pool, publisher: Publisher) -> None:
        self._pool = pool
        self._publisher = publisher
        self._codec = Codec(Delivery)
        self._let_go: OrderedDict[str, tuple[Sequence[tuple[bytes, str]], datetime]] = OrderedDict()

    async def run(self) -> None:
        """Look for due hosts until cancelled."""
        while True:
            busy = False
            try:
                busy = await self.release(datetime.now(UTC)) == HOSTS_AT_ONCE
            except Unavailable as outage:
                log.warning("backlog_held", reason=outage.reason)
            except Exception:
                log.exception("backlog_failed")  # and looked at again: nothing parked is forgotten
            if not busy:
                await asyncio.sleep(TICK.total_seconds())

    async def watch(self) -> None:
        """Keep the gauges up to date until cancelled."""
        while True:
            begun = time.monotonic()
            try:
                await self.measure()
            except Unavailable as outage:
                log.warning("backlog_not_measured", reason=outage.reason)
            except Exception:
                log.exception("backlog_not_measured")
            await asyncio.sleep(max(GAUGES_EVERY, GAUGES_SHARE * (time.monotonic() - begun)))

    async def release(self, now: datetime) -> int:
        """Let go what is due; return how many hosts were looked at."""
        with unavailable_when_down():
            async with self._pool.acquire() as conn, conn.transaction():
                due = await hosts.due_hosts(conn, now, HOSTS_AT_ONCE)
                portions: list[list[Parked]] = []
                plans: list[tuple[str, datetime | None, int]] = []
                for host in due:
                    if await self._is_busy(conn, host, now):
                        plans.append((host.host, now + TICK, host.pace))
                        continue
                    portion = await self._portion(conn, host, now)
                    plans.append(await _next_look(conn, host, portion, now))
                    portions.append(portion)
                await self._publisher.publish_many(
                    [payload for portion in portions for payload in self._messages(portion)]
                )
                await parked_deliveries.mark_queued(conn, [one for portion in portions for one in portion])
                await hosts.schedule(conn, plans)
        for portion in portions:
            self._remember(portion, now)
        return len(due)

    async def measure(self) -> None:
        """Set the gauges."""
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                metrics.parked_deliveries.set(await parked_deliveries.count_parked(conn))
                metrics.bulk_waiting.set(await bulk.count_waiting(conn))
                metrics.host_circuits_open.set(await hosts.count_failing(conn))

    async def _is_busy(self, conn: Connection, host: Host, now: datetime) -> bool:
        """Tell whether a draining host still works on what it got last: more would only queue up for it."""
        keys, since = self._let_go.pop(host.host, ((), now))
        if host.failures or not keys or now - since > PROBE_LEASE:
            return False
        if not await parked_deliveries.any_queued(conn, keys):
            return False
        self._let_go[host.host] = keys, since
        return True

    def _remember(self, portion: Sequence[Parked], now: datetime) -> None:
        if portion:
            self._let_go[portion[0].host] = tuple(_key(one) for one in portion), now
            while len(self._let_go) > HOSTS_REMEMBERED:
                self._let_go.popitem(last=False)

    async def _portion(self, conn: Connection, host: Host, now: datetime) -> list[Parked]:
        """Lock what a host gets now: one delivery while it fails, else as many as its pace allows."""
        expired = await parked_deliveries.expire(conn, host.host, now - LIFETIME)
        if expired:
            metrics.deliveries.labels("dead").inc(expired)
            log.warning("deliveries_expired", host=host.host, count=expired)
        portion = await self._worth_sending(conn, host, now)
        if portion:
            event = "host_probed" if host.failures else "backlog_released"
            log.info(event, host=host.host, count=len(portion), failures=host.failures)
        return portion

    async def _worth_sending(self, conn: Connection, host: Host, now: datetime) -> list[Parked]:
        """Lock the oldest that are due, without what newer ones make pointless."""
        most = 1 if host.failures else max(host.pace, 1)
        for _ in range(MAX_ROUNDS):
            due = await parked_deliveries.lock_parked(conn, host.host, now, max(most, LOOK_AHEAD))
            superseded = await superseding.supersede(conn, [_key(one) for one in due])
            metrics.deliveries.labels("superseded").inc(len(superseded))
            waiting = await superseding.wait_behind(conn, [_key(one) for one in due], now)
            left = [one for one in due if _key(one) not in superseded | waiting]
            if left or not due:
                return left[:most]
        return []

    def _messages(self, portion: Sequence[Parked]) -> list[Payload]:
        if not portion:
            return []
        queue = deliver_queue(shard_of(portion[0].host))
        return [(queue, batch) for batch in encode_batches(self._codec, [_delivery(one) for one in portion])]


async def _next_look(
    conn: Connection, host: Host, portion: Sequence[Parked], now: datetime
) -> tuple[str, datetime | None, int]:
    """Return when a host is looked at next, and at which pace it goes on."""
    if portion and host.failures:
        return host.host, now + PROBE_LEASE, 0
    if portion:
        return host.host, now + TICK, min(host.pace * 2, TOP_PACE)
    due = await parked_deliveries.next_due(conn, host.host)
    return host.host, due and max(due, now + TICK), 0


def _key(parked: Parked) -> tuple[bytes, str]:
    return uri_hash(parked.activity_uri), parked.inbox


def _delivery(parked: Parked) -> Delivery:
    target = Target(inbox=parked.inbox, shared=parked.shared, attempt=parked.attempts + 1, released=True)
    return Delivery(
        activity_id=parked.activity_uri,
        activity_type=parked.type,
        actor_id=parked.actor_id,
        body=parked.body,
        targets=(target,),
        created_at=parked.created_at,
        trace=parked.trace,
    )
