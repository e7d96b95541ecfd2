"""Outcomes go to the database in groups: whoever waits for a record waits for the group's commit.

Nothing is recorded of a shard that is another's by then. That one looks up what is settled and sends the
rest; a record in between would have it repeat a post and leave out the deletion.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from msgspec import Struct

from services.fanout_deliverer.insist import insist
from services.fanout_deliverer.lease import Lease, ShardLeft
from shared.database import deliveries, hosts, retired_inboxes
from shared.database.deliveries import Progress, State
from shared.database.hosts import Success, Trouble
from shared.database.pool import Connection, Pool, by_index, unavailable_when_down
from shared.database.retired_inboxes import Gone
from shared.protocol.errors import Unavailable
from shared.telemetry import metrics

log = structlog.get_logger(__name__)

GATHER = 0.05
"""Seconds for a group to come together; the other side has its delivery by then, and others go on."""

MAX_GROUP = 512
"""Reports of one group; it is written as soon as there are so many."""

COMMIT_WITHIN = 2.0
"""Seconds. A transaction that is left open for longer, as by a process that stands still, is cut off."""

_COUNTERS = {
    state: metrics.deliveries.labels(state.name.lower())
    for state in (State.DELIVERED, State.PARKED, State.DEAD, State.SUPERSEDED)
}


class LeaseUnsure(Unavailable):
    """The leases are not renewed for so long that another may take the shards before this is committed."""

    reason = "lease_unsure"


class Report(Struct, frozen=True, kw_only=True):
    """What became of one delivery, and what that says of its host.

    `look_at` is when what was parked is to be looked at; `slow` where the host takes too long over what is
    meant for it; `gone` where the inbox is not there any more.
    """

    host: str
    progress: Progress
    event: Trouble | Success | None = None
    look_at: datetime | None = None
    slow: bool = False
    gone: Gone | None = None


Told = Callable[[Exception | None], None]


class Waiting:
    """A report, under which lease its request was made, and who is told of the commit, once.

    Args:
        report: What is to be recorded.
        lease: Of the shard.
        told: Called with None once it is committed, or with the reason why it never will be.
    """

    __slots__ = ("_told", "lease", "report")

    def __init__(self, report: Report, lease: Lease, told: Told) -> None:
        self.report = report
        self.lease = lease
        self._told: Told | None = told

    @property
    def is_answered(self) -> bool:
        """Whether who waits has been told."""
        return self._told is None

    def tell(self, error: Exception | None = None) -> None:
        """Tell who waits, unless that is done."""
        told, self._told = self._told, None
        if told is not None:
            told(error)


class Recorder:
    """Writes reports, many in one transaction.

    Args:
        pool: The database. An outage only delays: the deliveries stay unacknowledged meanwhile.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: list[Waiting] = []
        self._wake = asyncio.Event()
        self._full = asyncio.Event()

    def record(self, report: Report, lease: Lease, told: Told) -> None:
        """Have a report committed with others; returns at once.

        Args:
            report: What became of a delivery.
            lease: Of its shard.
            told: Called once it is committed; or with ShardLeft, where the shard went to another before
                that, or with whatever else keeps just this one from being recorded.
        """
        self._waiting.append(Waiting(report, lease, told))
        self._wake.set()
        if len(self._waiting) >= MAX_GROUP:
            self._full.set()

    async def run(self) -> None:
        """Write reports until cancelled."""
        while True:
            await self._wake.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GATHER):
                    await self._full.wait()
            group, self._waiting = self._waiting[:MAX_GROUP], self._waiting[MAX_GROUP:]
            if not self._waiting:
                self._wake.clear()
            if len(self._waiting) < MAX_GROUP:
                self._full.clear()
            await self._settle(group)

    async def _settle(self, group: Sequence[Waiting]) -> None:
        try:
            await insist(lambda: self._write_all(group), "outcomes_held")
        except Exception as error:
            if len(group) > 1:
                for one in group:
                    await self._settle([one])
                return
            log.exception("outcome_not_recorded", host=group[0].report.host)
            group[0].tell(error)
            return
        recorded = [one for one in group if not one.is_answered]
        for state, count in Counter(one.report.progress.state for one in recorded).items():
            _COUNTERS[state].inc(count)
        for one in recorded:
            one.tell()

    async def _write_all(self, group: Sequence[Waiting]) -> None:
        ours = [one for one in group if not _is_lost(one)]
        if ours:
            with unavailable_when_down():
                await self._write(ours)

    async def _write(self, group: Sequence[Waiting]) -> None:
        async with self._pool.acquire() as conn, by_index(conn, idle_at_most=COMMIT_WITHIN):
            await self._write_reports(conn, [one.report for one in group])
            if not all(one.lease.lasts(COMMIT_WITHIN) for one in group):
                raise LeaseUnsure("the leases have not been renewed")

    async def _write_reports(self, conn: Connection, reports: Sequence[Report]) -> None:
        events = {report.host: report.event for report in reports if report.event is not None}
        troubles = [event for event in events.values() if isinstance(event, Trouble)]
        successes = [event for event in events.values() if isinstance(event, Success)]
        parked = [(report.host, report.look_at) for report in reports if report.look_at is not None]
        slow = {
            report.host: report.look_at for report in reports if report.slow and report.look_at is not None
        }
        gone = [report.gone for report in reports if report.gone is not None]
        await deliveries.record(conn, [report.progress for report in reports])
        if gone and (retired := await retired_inboxes.note_gone(conn, gone)):
            await retired_inboxes.give_up_parked(conn, retired)
            log.warning("inboxes_retired", inboxes=retired)
        if troubles:
            await hosts.record_troubles(conn, troubles)
        if successes:
            await hosts.record_successes(conn, successes)
        if slow:
            await hosts.slow_down(conn, slow)
        if parked:
            await hosts.watch(conn, parked)


def _is_lost(one: Waiting) -> bool:
    """Tell whether another has the shard by now, and whoever waits for the record, too."""
    if one.lease.lost:
        one.tell(ShardLeft(f"shard {one.lease.shard}"))
    return one.lease.lost
