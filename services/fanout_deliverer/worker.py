"""The delivery worker: every target of a batch through its host's lane, out, and into the record."""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import structlog
from msgspec import Struct

from services.fanout_deliverer.courier import Courier
from services.fanout_deliverer.in_flight import LAGGARDS, InFlight
from services.fanout_deliverer.insist import insist
from services.fanout_deliverer.lanes import Lanes, Place
from services.fanout_deliverer.lease import Lease
from services.fanout_deliverer.outcomes import SLOW, put_aside, refused, report_of, superseded
from services.fanout_deliverer.pace import MOST, Pace
from services.fanout_deliverer.recorder import Recorder, Report
from services.fanout_deliverer.room import Room, Share
from services.fanout_deliverer.signers import Signers
from services.fanout_deliverer.slots import BULK_SLOTS, SLOTS
from services.fanout_deliverer.together import Together
from shared.database import deliveries, hosts, superseding
from shared.database.deliveries import State
from shared.database.hosts import Host, Trouble
from shared.database.pool import Pool, unavailable_when_down
from shared.protocol.identifiers import host_of, uri_hash
from shared.protocol.messages import Delivery, Target
from shared.resolution import DomainBlocks
from shared.telemetry import metrics

log = structlog.get_logger(__name__)

IN_FLIGHT = 512
"""Requests of one process at once, over all hosts, without those that keep us waiting and the bulk."""

BULK_LAGGARDS = 1024

SOCKETS = IN_FLIGHT + LAGGARDS + MOST + BULK_LAGGARDS
"""What all of that may hold open."""

BUSY = 0.25
"""Seconds after which a request of the bulk only waits: it costs no processor, and makes room."""

IN_HAND = 4096
"""Targets of one process at once, waiting or on their way: what bounds its memory. The bulk has as many."""

ASKED_TOGETHER = 512
"""Targets of which the database is asked in one go."""

SLOW_PAUSE = timedelta(seconds=5)

_EVENTS = {
    State.PARKED: "delivery_parked",
    State.DEAD: "delivery_dead",
    State.SUPERSEDED: "delivery_superseded",
}

_COUNTERS = {state: metrics.deliveries.labels(state.name.lower()) for state in (State.DELIVERED, *_EVENTS)}

Key = tuple[bytes, str]


class Job(Struct, frozen=True):
    """One target of one delivery, with its place in its host's lane."""

    delivery: Delivery
    target: Target
    host: str
    key: Key
    place: Place


class Facts(Struct, frozen=True):
    """What the database knew when the batch began.

    `pointless` are deliveries of which a newer one says that they need not arrive; `behind` those that wait
    for an earlier one that is parked, and until when.
    """

    settled: Collection[Key]
    hosts: dict[str, Host]
    pointless: Collection[Key] = ()
    behind: Mapping[Key, datetime] = {}


class Passage(Struct, frozen=True):
    """What bounds the deliveries of one kind: how many are in hand, and how many of these under way.

    `slots` is how many of its requests one host gets at once.
    """

    room: Room
    in_flight: InFlight
    slots: int


class Worker:
    """Handles the batches of the delivery queues.

    Args:
        pool: The database.
        courier: Sends.
        signers: The keys, loaded here before they are needed.
        recorder: Writes down what came of it.
        blocks: Suspended domains.
    """

    def __init__(
        self, *, pool: Pool, courier: Courier, signers: Signers, recorder: Recorder, blocks: DomainBlocks
    ) -> None:
        self._pool = pool
        self._courier = courier
        self._signers = signers
        self._recorder = recorder
        self._blocks = blocks
        self._lanes = Lanes()
        self.pace = Pace()
        """Of the bulk; to be run beside the worker."""
        self._swift = Passage(Room(IN_HAND), InFlight(IN_FLIGHT), SLOTS)
        bulk = InFlight(self.pace, laggards=BULK_LAGGARDS, after=BUSY)
        self._bulk = Passage(Room(IN_HAND), bulk, BULK_SLOTS)
        self._facts = Together(self._insist_on_facts, most=ASKED_TOGETHER)

    async def deliver_bulk(self, items: Sequence[Delivery], lease: Lease) -> None:
        """Do the same as `deliver` with what may take longer: it is in nobody's way."""
        await self._deliver(items, lease, self._bulk)

    async def deliver(self, items: Sequence[Delivery], lease: Lease) -> None:
        """Send what is not settled yet; returns after every outcome is recorded.

        Raises ShardLeft if the shard went to another process before all was sent.
        """
        await self._deliver(items, lease, self._swift)

    async def _deliver(self, items: Sequence[Delivery], lease: Lease, passage: Passage) -> None:
        async with passage.room.take(sum(len(item.targets) for item in items)) as share:
            # Places are taken before anything is awaited, so in the order of the queue.
            jobs = [self._job(delivery, target) for delivery in items for target in delivery.targets]
            try:
                facts = await self._facts.find(jobs)
                results = await asyncio.gather(
                    *(self._run(job, facts, lease, passage, share) for job in jobs), return_exceptions=True
                )
            finally:
                for job in jobs:
                    job.place.leave()
        _tell(jobs, results)
        raise_first(results)

    def _job(self, delivery: Delivery, target: Target) -> Job:
        host = host_of(target.inbox)
        key = (uri_hash(delivery.activity_id), target.inbox)
        return Job(delivery, target, host, key, self._lanes.enter(host, delivery.actor_id, key))

    async def _insist_on_facts(self, jobs: Sequence[Job]) -> Facts:
        return await insist(lambda: self._look_up(jobs), "delivery_facts_held")

    async def _look_up(self, jobs: Sequence[Job]) -> Facts:
        await self._blocks.refresh()
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                await self._signers.load(conn, {job.delivery.actor_id for job in jobs})
                # Of two copies in hand, one of them released, it is the released one that counts.
                released = list({job.key: None for job in jobs if job.target.released})
                let_go = set(released)
                updates = [job.key for job in jobs if job.delivery.activity_type == "Update"]
                return Facts(
                    settled=await deliveries.settled(
                        conn, [job.key for job in jobs], [job.key in let_go for job in jobs]
                    ),
                    hosts=await hosts.known_hosts(conn, list({job.host for job in jobs})),
                    pointless=await superseding.pointless(conn, released) if released else (),
                    behind=await superseding.behind_parked(conn, updates) if updates else {},
                )

    async def _run(self, job: Job, facts: Facts, lease: Lease, passage: Passage, share: Share) -> bool:
        """Return whether this delivery has arrived just now.

        What is done makes room at once: one host that hangs does not hold what its neighbours took.
        """
        report = None
        try:
            host = facts.hosts.get(job.host) or Host(host=job.host)
            await job.place.turn(passage.slots, host.latency)
            if job.key not in facts.settled and not job.place.already_done:
                report = self._without_a_try(job, host, facts) or await self._try(job, host, lease, passage)
                if report.progress.state is State.PARKED:
                    job.place.report_parked()
                else:
                    job.place.report_settled()
        finally:
            job.place.pass_on()
        if report is not None:
            await self._recorder.record(report)
            _count(report, job)
        job.place.leave()
        share.give_back()
        return report is not None and report.progress.state is State.DELIVERED

    def _without_a_try(self, job: Job, host: Host, facts: Facts) -> Report | None:
        """Return what is recorded if there is a reason not to send."""
        if job.host in self._blocks:
            return refused(job.delivery, job.target, "domain_blocked")
        if job.key in facts.pointless:
            return superseded(job.delivery, job.target)
        waits = _waits(job, host, facts, datetime.now(UTC))
        return put_aside(job.delivery, job.target, *waits) if waits else None

    async def _try(self, job: Job, host: Host, lease: Lease, passage: Passage) -> Report:
        async with passage.in_flight:
            await lease.confirm()
            answer = await self._courier.bring(job.delivery, job.target, host)
        job.place.lane.observe(answer.latency)
        report = report_of(job.delivery, job.target, host, answer, datetime.now(UTC))
        if isinstance(report.event, Trouble) and not job.place.report_failure(report.event.next_try_at):
            # Others in flight have said so already: one outage counts once.
            return Report(host=report.host, progress=report.progress, look_at=report.look_at)
        return report


def _waits(job: Job, host: Host, facts: Facts, now: datetime) -> tuple[str, datetime] | None:
    """Return why a delivery has to wait, and until when."""
    place = job.place
    reasons = (
        (host.paused, "host_paused", now),
        (host.held and not job.target.released, "host_held", host.next_try_at or now),
        (place.host_failed, "host_failing", place.lane.retry_at or now),
        (place.waited_too_long, SLOW, now + SLOW_PAUSE),
        (job.key in facts.behind or place.behind_parked, "behind_parked", facts.behind.get(job.key, now)),
    )
    return next(((reason, until) for holds, reason, until in reasons if holds), None)


def raise_first(results: Sequence[object]) -> None:
    """Raise the first error among these results, now that nothing of the batch is under way any more."""
    for result in results:
        if isinstance(result, BaseException):
            raise result


def _tell(jobs: Sequence[Job], results: Sequence[object]) -> None:
    """Log one line for each activity of which something has arrived: each single one has its row."""
    arrived = Counter(
        (job.delivery.activity_id, job.delivery.trace)
        for job, result in zip(jobs, results, strict=True)
        if result is True
    )
    for (activity, trace), count in arrived.items():
        log.info("delivered", trace=trace, activity=activity, count=count)


def _count(report: Report, job: Job) -> None:
    state = report.progress.state
    _COUNTERS[state].inc()
    if state is State.DELIVERED:
        return
    log.info(
        _EVENTS[state],
        trace=job.delivery.trace,
        activity=job.delivery.activity_id,
        host=report.host,
        status=report.progress.status,
        reason=report.progress.reason,
        attempt=job.target.attempt,
    )
