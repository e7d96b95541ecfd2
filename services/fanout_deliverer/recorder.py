"""Outcomes go to the database in groups: whoever waits for a record waits for the group's commit."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime

import structlog
from msgspec import Struct

from services.fanout_deliverer.insist import insist
from shared.database import deliveries, hosts, retired_inboxes
from shared.database.deliveries import Progress
from shared.database.hosts import Success, Trouble
from shared.database.pool import Pool, unavailable_when_down
from shared.database.retired_inboxes import Gone

log = structlog.get_logger(__name__)

GATHER = 0.05
"""Seconds for a group to come together; the other side has its delivery by then, and others go on."""

MAX_GROUP = 512
"""Reports of one group; it is written as soon as there are so many."""


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


class Recorder:
    """Writes reports, many in one transaction.

    Args:
        pool: The database. An outage only delays: the deliveries stay unacknowledged meanwhile.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: list[tuple[Report, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._full = asyncio.Event()

    async def record(self, report: Report) -> None:
        """Return once the report is committed."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((report, done))
        self._wake.set()
        if len(self._waiting) >= MAX_GROUP:
            self._full.set()
        await done

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

    async def _settle(self, group: Sequence[tuple[Report, asyncio.Future[None]]]) -> None:
        try:
            await insist(lambda: self._write_all(group), "outcomes_held")
        except Exception as error:
            if len(group) > 1:
                for one in group:
                    await self._settle([one])
                return
            log.exception("outcome_not_recorded", host=group[0][0].host)
            if not group[0][1].done():
                group[0][1].set_exception(error)
            return
        for _, done in group:
            if not done.done():
                done.set_result(None)

    async def _write_all(self, group: Sequence[tuple[Report, asyncio.Future[None]]]) -> None:
        with unavailable_when_down():
            await self._write([report for report, _ in group])

    async def _write(self, reports: Sequence[Report]) -> None:
        events = {report.host: report.event for report in reports if report.event is not None}
        troubles = [event for event in events.values() if isinstance(event, Trouble)]
        successes = [event for event in events.values() if isinstance(event, Success)]
        parked = [(report.host, report.look_at) for report in reports if report.look_at is not None]
        slow = {
            report.host: report.look_at for report in reports if report.slow and report.look_at is not None
        }
        gone = [report.gone for report in reports if report.gone is not None]
        async with self._pool.acquire() as conn, conn.transaction():
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
