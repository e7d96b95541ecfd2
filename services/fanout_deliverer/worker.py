"""The delivery worker: every target of a batch through its host's lane, out, and into the record."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from msgspec import Struct

from services.fanout_deliverer.batch import Batch
from services.fanout_deliverer.bystanders import Bystanders
from services.fanout_deliverer.courier import Courier
from services.fanout_deliverer.facts import FactFinder, Facts, Job
from services.fanout_deliverer.in_flight import LAGGARDS, InFlight
from services.fanout_deliverer.lanes import Lanes
from services.fanout_deliverer.lease import Lease
from services.fanout_deliverer.outcomes import SLOW, put_aside, refused, report_of, superseded
from services.fanout_deliverer.pace import MOST, Pace
from services.fanout_deliverer.permits import FixedPermits
from services.fanout_deliverer.precedence import Precedence
from services.fanout_deliverer.recorder import Recorder, Report
from services.fanout_deliverer.room import Room
from services.fanout_deliverer.slots import BULK_SLOTS, SLOTS
from services.fanout_deliverer.together import Together
from shared.database.hosts import Host, Trouble
from shared.protocol.identifiers import host_of, uri_hash
from shared.protocol.messages import Delivery
from shared.resolution import DomainBlocks

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


class Passage(Struct, frozen=True):
    """What bounds the deliveries of one kind: how many are in hand, and how many of these under way.

    `slots` is how many of its requests one host gets at once. `facts` are asked for apart: the few do not
    wait for an answer about the many. `precedence` is what this kind takes before the bulk, if any.
    """

    room: Room
    in_flight: InFlight
    slots: int
    facts: Together[Job, Facts]
    precedence: Precedence | None = None

    def hasten(self) -> None:
        """Take the right of way, where this kind has it."""
        if self.precedence is not None:
            self.precedence.take()


class Worker:
    """Handles the batches of the delivery queues.

    Args:
        facts: Finds out what has to be known before.
        courier: Sends.
        recorder: Writes down what came of it.
        blocks: Suspended domains, which `facts` keeps up to date.
        precedence: What all but the bulk takes.
    """

    def __init__(
        self,
        *,
        facts: FactFinder,
        courier: Courier,
        recorder: Recorder,
        blocks: DomainBlocks,
        precedence: Precedence,
    ) -> None:
        self._find = facts.find
        self._courier = courier
        self._recorder = recorder
        self._blocks = blocks
        self._lanes = Lanes()
        self.bystanders = Bystanders()
        """Who sends beside the bulk."""
        self.pace = Pace(precedence, self.bystanders)
        """Of the bulk; to be run beside the worker."""
        bulk = InFlight(self.pace, laggards=BULK_LAGGARDS, after=BUSY)
        self._swift = self._passage(InFlight(FixedPermits(IN_FLIGHT)), SLOTS, precedence)
        self._bulk = self._passage(bulk, BULK_SLOTS)

    def _passage(self, in_flight: InFlight, slots: int, precedence: Precedence | None = None) -> Passage:
        facts = Together(self._find, most=ASKED_TOGETHER)
        return Passage(Room(IN_HAND), in_flight, slots, facts, precedence)

    async def deliver_bulk(self, items: Sequence[Delivery], lease: Lease) -> None:
        """Do the same as `deliver` with what may take longer: it is in nobody's way."""
        self.bystanders.send_in_bulk(item.actor_id for item in items)
        await self._deliver(items, lease, self._bulk)

    async def deliver(self, items: Sequence[Delivery], lease: Lease) -> None:
        """Send what is not settled yet; returns after every outcome is recorded.

        Raises ShardLeft if the shard went to another process before all was sent.
        """
        self.bystanders.send(item.actor_id for item in items)
        await self._deliver(items, lease, self._swift)

    async def _deliver(self, items: Sequence[Delivery], lease: Lease, passage: Passage) -> None:
        async with passage.room.take(sum(len(item.targets) for item in items)) as share:
            # Places are taken before anything is awaited, so in the order of the queue.
            jobs = self._jobs(items)
            try:
                passage.hasten()
                facts = await passage.facts.find(jobs)
                passage.hasten()
                batch = Batch(jobs, share)
                await batch.run(self._run(job, facts, lease, passage, batch) for job in jobs)
            finally:
                for job in jobs:
                    job.place.leave()

    def _jobs(self, items: Sequence[Delivery]) -> list[Job]:
        jobs = []
        for delivery in items:
            activity = uri_hash(delivery.activity_id)
            for target in delivery.targets:
                host, key = host_of(target.inbox), (activity, target.inbox)
                jobs.append(Job(delivery, target, host, key, self._lanes.enter(host, delivery.actor_id, key)))
        return jobs

    async def _run(self, job: Job, facts: Facts, lease: Lease, passage: Passage, batch: Batch) -> None:
        """Bring one delivery to its end, and tell its batch."""
        place, report = job.place, None
        try:
            host = facts.hosts.get(job.host) or Host(host=job.host)
            await place.turn(passage.slots, host.latency)
            if job.key not in facts.settled and not place.already_done:
                report = self._without_a_try(job, host, facts) or await self._try(job, host, lease, passage)
                place.report(report.progress.state)
        except BaseException as error:
            batch.failed(error)
            if not isinstance(error, Exception):
                raise
            return
        finally:
            place.pass_on()
        if report is None:
            batch.done(job)
        else:
            self._recorder.record(report, lease, partial(batch.recorded, job, report))

    def _without_a_try(self, job: Job, host: Host, facts: Facts) -> Report | None:
        """Return what is recorded if there is a reason not to send."""
        if job.host in self._blocks:
            return refused(job.delivery, job.target, "domain_blocked")
        if job.key in facts.pointless:
            return superseded(job.delivery, job.target)
        waits = _waits(job, host, facts)
        return put_aside(job.delivery, job.target, *waits) if waits else None

    async def _try(self, job: Job, host: Host, lease: Lease, passage: Passage) -> Report:
        stay = await passage.in_flight.enter()
        try:
            if not lease.is_ours:
                await lease.confirm()
            passage.hasten()
            answer = await self._courier.bring(job.delivery, job.target, host)
        finally:
            passage.in_flight.leave(stay)
        job.place.lane.observe(answer.latency)
        report = report_of(job.delivery, job.target, host, answer, datetime.now(UTC))
        if isinstance(report.event, Trouble) and not job.place.report_failure(report.event.next_try_at):
            # Others in flight have said so already: one outage counts once.
            return Report(host=report.host, progress=report.progress, look_at=report.look_at)
        return report


def _waits(job: Job, host: Host, facts: Facts) -> tuple[str, datetime] | None:
    """Return why a delivery has to wait, and until when."""
    place = job.place
    if host.paused:
        return "host_paused", datetime.now(UTC)
    if host.held and not job.target.released:
        return "host_held", host.next_try_at or datetime.now(UTC)
    if place.host_failed:
        return "host_failing", place.lane.retry_at or datetime.now(UTC)
    if place.waited_too_long:
        return SLOW, datetime.now(UTC) + SLOW_PAUSE
    if job.key in facts.behind or place.behind_parked:
        return "behind_parked", facts.behind.get(job.key) or datetime.now(UTC)
    return None
