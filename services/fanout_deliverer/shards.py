"""Takes a fair share of the delivery shards, works them, and hands them on in order.

Members beat once a second in the database and each brings what it holds in line with what all of them
compute from the same rows. A shard is free for others only after its last request here has ended. Of who fell
silent nobody knows whether it is gone: the broker serves the queue to one process at a time, and the bulk
waits for as long as a request may last.
"""

import asyncio
import random
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from services.fanout_deliverer.affinity import assign
from services.fanout_deliverer.lease import Lease, Pulse
from shared.database import shard_leases
from shared.database.pool import Connection, Pool, unavailable_when_down
from shared.database.shard_leases import Member
from shared.protocol.errors import Unavailable
from shared.queue.topology import SHARDS
from shared.remote.client import DEADLINE

log = structlog.get_logger(__name__)

BEAT = 1.0
"""Seconds between looks at who is there."""

TIME_TO_LIVE = timedelta(seconds=5)
"""After which a member that is not heard of loses its shards."""

COMPLAIN_AFTER = 10.0


class ShardWork(Protocol):
    """What works a shard: begins at once, and is over when `stop` returns."""

    def start(self) -> None:
        """Begin to work."""

    async def stop(self) -> None:
        """Finish what is in hand, leave the rest."""

    async def check(self) -> str:
        """Return what is wrong, or an empty string."""


Consumers = Callable[[Lease], ShardWork]


class Shards:
    """The shards of this process.

    Args:
        pool: The database.
        consumer: Makes the consumer of a shard, not started.
    """

    def __init__(self, pool: Pool, consumer: Consumers) -> None:
        self._pool = pool
        self._consumer = consumer
        self._me = secrets.randbits(62)
        self._pulse = Pulse()
        self._in_touch_since: float | None = None
        self._quiet_from: dict[int, float] = {}
        self._working: dict[int, tuple[Lease, ShardWork]] = {}
        self._handing_on: dict[int, tuple[Lease, asyncio.Task[None]]] = {}
        self._leaving = False

    @property
    def held(self) -> frozenset[int]:
        """The shards that this process works now."""
        return frozenset(self._working)

    async def run(self) -> None:
        """Keep the share of this process up to date until cancelled."""
        while True:
            await self._look()
            await asyncio.sleep(BEAT * random.uniform(0.9, 1.1))

    async def close(self) -> None:
        """Finish what is under way and leave all shards to others; `run` must have ended."""
        self._leaving = True
        self._hand_on(self.held)
        while self._handing_on:
            await self._look()
            tasks = [task for _, task in self._handing_on.values()]
            await asyncio.wait(tasks, timeout=BEAT)
            if all(task.done() for task in tasks):
                break
        await self._look()
        try:
            with unavailable_when_down():
                async with self._pool.acquire() as conn:
                    await shard_leases.forget(conn, [self._me])
        except Unavailable as outage:
            log.warning("shards_left_behind", reason=outage.reason)  # until they are found to be nobody's

    async def check(self) -> str:
        """Return what is wrong, for readiness, or an empty string."""
        if self._pulse.missed_for > COMPLAIN_AFTER:
            return "the leases of the shards are out of reach"
        complaints = [await consumer.check() for _, consumer in self._working.values()]
        return next(filter(None, complaints), "")

    async def _look(self) -> None:
        begun = time.monotonic()
        handed_on = [shard for shard, (_, task) in self._handing_on.items() if task.done()]
        try:
            with unavailable_when_down():
                async with self._pool.acquire() as conn, conn.transaction():
                    mine, wanted = await self._share(conn, handed_on)
        except Unavailable as outage:
            log.warning("shards_not_renewed", reason=outage.reason)
            return
        except Exception:
            log.exception("shards_not_renewed")  # and tried again: the share only gets old
            return
        # From before the question, for the answer may have taken its time.
        self._pulse.beats_until(begun + TIME_TO_LIVE.total_seconds())
        for shard in handed_on:
            del self._handing_on[shard]
        lost = self._lose_what_others_took(mine)
        self._hand_on(self.held - (mine.keys() & wanted) | lost)
        for shard in sorted((mine.keys() & wanted) - self.held - self._handing_on.keys()):
            self._begin(shard, mine[shard])

    def _lose_what_others_took(self, mine: Mapping[int, datetime]) -> frozenset[int]:
        """Return what is worked here and was taken by another, if only for a moment; nothing of it counts."""
        for shard, (lease, _) in (*self._working.items(), *self._handing_on.items()):
            if mine.get(shard) != lease.since and not lease.lost:
                lease.lose()
                log.warning("shard_lost", shard=shard)
        return frozenset(shard for shard, (lease, _) in self._working.items() if lease.lost)

    async def _share(
        self, conn: Connection, handed_on: Sequence[int]
    ) -> tuple[Mapping[int, datetime], frozenset[int]]:
        """Renew, free and take; return what is this process' own then, since when, and what is to be."""
        await shard_leases.one_at_a_time(conn)
        await shard_leases.beat(conn, self._me, for_=TIME_TO_LIVE, leaving=self._leaving)
        await shard_leases.give_up(conn, self._me, handed_on)
        members, owners = await shard_leases.members(conn), await shard_leases.owners(conn)
        taking_part = [one.id for one in members if one.alive and not one.leaving]
        to_be = assign(range(SHARDS), taking_part, owners)
        wanted = frozenset(shard for shard, member in to_be.items() if member == self._me)
        free = self._free(wanted, members, owners)
        # Noted before it is committed: who cannot tell whether it was has to wait as well.
        quiet_from = time.monotonic() + DEADLINE
        self._quiet_from |= dict.fromkeys(free & owners.keys(), quiet_from)
        if free:
            await shard_leases.take(conn, self._me, free)
        await shard_leases.forget(conn, [one.id for one in members if not one.alive])
        return await shard_leases.held_by(conn, self._me), wanted

    def _free(self, wanted: frozenset[int], members: Sequence[Member], owners: dict[int, int]) -> set[int]:
        """Return what may be taken: what nobody holds, or somebody who is gone.

        Who was out of touch itself cannot tell who is gone: after an outage of the database all seem to be.
        """
        now = time.monotonic()
        if self._in_touch_since is None or not self._pulse.is_felt:
            self._in_touch_since = now
        trusted = now - self._in_touch_since >= TIME_TO_LIVE.total_seconds()
        present = {one.id for one in members if one.alive} if trusted else set(owners.values())
        return {shard for shard in wanted if owners.get(shard) not in present}

    def _begin(self, shard: int, since: datetime) -> None:
        quiet_from = self._quiet_from.pop(shard, 0.0)
        lease = Lease(shard, self._pulse, quiet_from=quiet_from, since=since)
        consumer = self._consumer(lease)
        self._working[shard] = lease, consumer
        consumer.start()
        log.info("shard_taken", shard=shard)

    def _hand_on(self, shards: frozenset[int]) -> None:
        for shard in shards:
            lease, consumer = self._working.pop(shard)
            lease.leave()
            stopping = asyncio.create_task(consumer.stop(), name=f"leaving shard {shard}")
            self._handing_on[shard] = lease, stopping
            log.info("shard_left", shard=shard)
