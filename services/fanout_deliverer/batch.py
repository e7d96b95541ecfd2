"""The deliveries of one batch while they are under way, and what came of them."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterable, Sequence

import structlog

from services.fanout_deliverer.facts import Job
from services.fanout_deliverer.recorder import Report
from services.fanout_deliverer.room import Share
from shared.database.deliveries import State

log = structlog.get_logger(__name__)

_EVENTS = {
    State.PARKED: "delivery_parked",
    State.DEAD: "delivery_dead",
    State.SUPERSEDED: "delivery_superseded",
}


class Batch:
    """Is over once each of its deliveries has been left alone, has failed, or is recorded.

    What is done makes room at once: one host that hangs does not hold what its neighbours took. What has
    failed keeps its place until all are done, for it is tried again.

    Args:
        jobs: What is delivered.
        share: The room that they take, one each.
    """

    def __init__(self, jobs: Sequence[Job], share: Share) -> None:
        self._left = len(jobs)
        self._share = share
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._arrived: Counter[tuple[str, str]] = Counter()
        self._error: BaseException | None = None

    async def run(self, deliveries: Iterable[Coroutine[None, None, None]]) -> None:
        """Return when it is over; raises the first error of its deliveries then.

        Args:
            deliveries: What delivers each of them, and tells this batch how it ended.
        """
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(delivery) for delivery in deliveries]
        try:
            if self._left:
                await self._over
        except asyncio.CancelledError:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise
        self._tell()
        if self._error is not None:
            raise self._error

    def failed(self, error: BaseException) -> None:
        """Note that one is neither sent nor recorded for this reason."""
        self._error = self._error or error
        self._one_less()

    def done(self, job: Job) -> None:
        """Note that one needs nothing more."""
        if self._over.done():  # whoever waited is gone, and has given all back
            return
        job.place.leave()
        self._share.give_back()
        self._one_less()

    def recorded(self, job: Job, report: Report, error: Exception | None) -> None:
        """Note that what came of one is recorded, or why it is not."""
        if error is not None:
            self.failed(error)
            return
        if report.progress.state is State.DELIVERED:
            self._arrived[job.delivery.activity_id, job.delivery.trace] += 1
        else:
            _log(job, report)
        self.done(job)

    def _one_less(self) -> None:
        self._left -= 1
        if not self._left and not self._over.done():
            self._over.set_result(None)

    def _tell(self) -> None:
        """Log one line for each activity of which something has arrived: each single one has its row."""
        for (activity, trace), count in self._arrived.items():
            log.info("delivered", trace=trace, activity=activity, count=count)


def _log(job: Job, report: Report) -> None:
    log.info(
        _EVENTS[report.progress.state],
        trace=job.delivery.trace,
        activity=job.delivery.activity_id,
        host=report.host,
        status=report.progress.status,
        reason=report.progress.reason,
        attempt=job.target.attempt,
    )
