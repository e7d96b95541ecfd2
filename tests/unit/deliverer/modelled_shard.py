"""A model of all that is around the workers of one shard; its every step may fall between any two of theirs.

The worker, its lanes and leases are the real ones. Broker, database, backlog and the other servers are
modelled, for tests that shuffle what happens.
"""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from msgspec.structs import replace

from services.fanout_deliverer.courier import Answer, Courier
from services.fanout_deliverer.facts import FactFinder, Facts, Job, Key
from services.fanout_deliverer.lease import Lease, Pulse, ShardLeft
from services.fanout_deliverer.precedence import Precedence
from services.fanout_deliverer.recorder import COMMIT_WITHIN, Recorder, Report, Told
from services.fanout_deliverer.signers import Manner
from services.fanout_deliverer.worker import Worker
from shared.database.deliveries import State
from shared.database.hosts import Host, Trouble
from shared.protocol.identifiers import uri_hash
from shared.protocol.messages import Delivery, Target
from shared.resolution import DomainBlocks

HOST = "birch.example"
INBOX = f"https://{HOST}/inbox"
KINDS = ("Create", "Update", "Delete")
"""What is done with a post; the id of an activity is that of its post, and this."""

WHEN = datetime(2026, 9, 14, tzinfo=UTC)
SETTLED = {State.DELIVERED, State.DEAD, State.SUPERSEDED}

Message = tuple[Delivery, ...]


def _key(delivery: Delivery, target: Target) -> Key:
    return uri_hash(delivery.activity_id), target.inbox


def _sibling(delivery: Delivery, target: Target, kind: str) -> Key:
    """Return the delivery of another kind about the same post."""
    return uri_hash(f"{delivery.activity_id.partition('/')[0]}/{kind}"), target.inbox


@dataclass
class Place:
    """The rest of the world: one shard's queue, the database, and what arrived where.

    `unrecorded` are deliveries whose request has begun and whose outcome is not in the database yet;
    `at_risk` those of which that was so when their process was killed or frozen: they may come twice.
    """

    answers: list[int]
    delays: list[int]
    queue: list[Message] = field(default_factory=list)
    states: dict[Key, State] = field(default_factory=dict)
    let_go: set[Key] = field(default_factory=set)
    failing: set[str] = field(default_factory=set)
    arrived: list[tuple[str, str]] = field(default_factory=list)
    unrecorded: set[Key] = field(default_factory=set)
    at_risk: set[Key] = field(default_factory=set)
    planned: list[tuple[Delivery, Target]] = field(default_factory=list)
    on_the_way: int = 0
    nothing_on_the_way: asyncio.Event = field(default_factory=asyncio.Event)
    frozen: list["Deliverer"] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.nothing_on_the_way.set()

    def publish(self, message: Message) -> None:
        """Record what is planned and queue it, as the planner does; a copy changes no row."""
        for delivery in message:
            for target in delivery.targets:
                self.plan(delivery, target)
        self.queue.append(message)

    def plan(self, delivery: Delivery, target: Target) -> bool:
        """Record that something is to be delivered; false where it is recorded already."""
        if _key(delivery, target) in self.states:
            return False
        self.states[_key(delivery, target)] = State.QUEUED
        self.planned.append((delivery, target))
        return True

    def is_pointless(self, delivery: Delivery, target: Target) -> bool:
        """Tell whether a Delete of the same post is planned."""
        return delivery.activity_type != "Delete" and _sibling(delivery, target, "Delete") in self.states

    def is_behind(self, delivery: Delivery, target: Target) -> bool:
        """Tell whether the Create of what this updates is parked, or let go from there."""
        create = _sibling(delivery, target, "Create")
        waits = self.states.get(create) is State.PARKED or create in self.let_go
        return delivery.activity_type == "Update" and waits

    async def pause(self) -> None:
        """Let others run for a while."""
        for _ in range(self.delays.pop() if self.delays else 1):
            await asyncio.sleep(0)

    async def bring(self, delivery: Delivery, target: Target, host: Host) -> Answer:
        """Stand for the courier and the server that it goes to."""
        self.on_the_way += 1
        self.nothing_on_the_way.clear()
        self.unrecorded.add(_key(delivery, target))
        try:
            return await self._answer(delivery, host)
        finally:
            self.on_the_way -= 1
            if not self.on_the_way:
                self.nothing_on_the_way.set()

    async def _answer(self, delivery: Delivery, host: Host) -> Answer:
        await self.pause()
        status = self.answers.pop() if self.answers else 202
        if status == 202:
            self.arrived.append((host.host, delivery.activity_id))
        await self.pause()
        return Answer(manner=Manner.CAVAGE, seconds=0.01, latency=0.01, status=status)

    def record(self, report: Report) -> None:
        """Commit an outcome: what is settled stays so."""
        key = uri_hash(report.progress.activity_uri), report.progress.inbox
        if self.states[key] not in SETTLED:
            self.states[key] = report.progress.state
            self.let_go.discard(key)
        self.unrecorded.discard(key)
        if isinstance(report.event, Trouble):
            self.failing.add(report.host)

    def host(self, name: str) -> Host:
        """Return what is known of a host."""
        return Host(host=name, failures=int(name in self.failing), next_try_at=WHEN)

    @property
    def has_parked(self) -> bool:
        """Whether anything waits for its host."""
        return State.PARKED in self.states.values()

    async def release(self) -> None:
        """Stand for the backlog: the hosts are well again, and what is parked goes out, oldest first."""
        self.failing.clear()
        chosen = list[tuple[Delivery, Target]]()
        for delivery, target in self.planned:
            key = _key(delivery, target)
            if self.states[key] is not State.PARKED:
                continue
            if self.is_pointless(delivery, target):
                self.states[key] = State.SUPERSEDED
                continue
            self.states[key] = State.QUEUED
            self.let_go.add(key)
            chosen.append((delivery, replace(target, attempt=2, released=True)))
        await self.pause()  # whatever is planned now is not known to it
        self.queue += [(replace(delivery, targets=(target,)),) for delivery, target in chosen]


class Deliverer(Worker):
    """A process at work on the shard.

    Args:
        place: Where it works.
    """

    def __init__(self, place: Place) -> None:
        super().__init__(
            facts=cast("FactFinder", self),
            courier=cast("Courier", place),
            recorder=cast("Recorder", self),
            blocks=cast("DomainBlocks", frozenset()),
            precedence=Precedence(
                itertools.count(step=60).__next__
            ),  # over at once: nobody looks at the pace
        )
        self._recording = asyncio.Lock()
        self._records: set[asyncio.Task[None]] = set()
        self._pulse = Pulse()
        self._pulse.beats_until(float("inf"))
        self.lease = Lease(0, self._pulse)
        self.in_hand: dict[int, tuple[Message, asyncio.Task[None]]] = {}
        self.place = place
        self._count = 0

    async def find(self, jobs: Sequence[Job]) -> Facts:
        """Return what the place knows, as of some moment between two steps of others."""
        await self.place.pause()
        states = self.place.states
        facts = Facts(
            settled={
                job.key
                for job in jobs
                if states[job.key] in SETTLED or (states[job.key] is State.PARKED and not job.target.released)
            },
            hosts={job.host: self.place.host(job.host) for job in jobs},
            pointless={
                job.key
                for job in jobs
                if job.target.released and self.place.is_pointless(job.delivery, job.target)
            },
            behind={job.key: WHEN for job in jobs if self.place.is_behind(job.delivery, job.target)},
        )
        await self.place.pause()
        return facts

    def record(self, report: Report, lease: Lease, told: Told) -> None:
        """Stand for the recorder: what was reported first comes first, and nothing of a lost lease."""
        task = asyncio.create_task(self._record(report, lease, told))
        self._records.add(task)
        task.add_done_callback(self._records.discard)

    async def _record(self, report: Report, lease: Lease, told: Told) -> None:
        async with self._recording:
            await self.place.pause()
            while not lease.lasts(COMMIT_WITHIN):
                if lease.lost:
                    told(ShardLeft(f"shard {lease.shard}"))
                    return
                await asyncio.sleep(0)
            self.place.record(report)
            told(None)

    def take(self) -> None:
        """Begin the next message of the queue."""
        if self.place.queue:
            self._count += 1
            message = self.place.queue.pop(0)
            self.in_hand[self._count] = (message, asyncio.create_task(self._work(self._count, message)))

    async def _work(self, number: int, message: Message) -> None:
        try:
            await self.deliver(message, self.lease)
        except ShardLeft:
            return
        del self.in_hand[number]

    async def leave(self) -> None:
        """Hand the shard on in order: begin nothing, finish what is under way, give the rest back."""
        self.lease.leave()
        await asyncio.gather(*(task for _, task in self.in_hand.values()))
        self._give_back()

    def out_of_touch(self) -> None:
        """Begin no further request, for others may have taken the shard."""
        self._pulse.beats_until(0.0)
        self.place.at_risk |= self.place.unrecorded

    async def freeze(self) -> "Deliverer":
        """Be out of touch until others have taken the shard; return who has.

        What is on its way arrives before: the broker serves nobody else meanwhile.
        """
        self.out_of_touch()
        await self.place.nothing_on_the_way.wait()
        other = Deliverer(self.place)
        self.place.queue[:0] = [message for message, _ in self.in_hand.values()]
        self.thaw()
        return other

    def thaw(self) -> None:
        """Be in touch again, and find out after a while that others have the shard."""
        self.place.frozen.append(self)
        self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        await self.place.pause()
        self.lease.lose()

    async def die(self) -> None:
        """Be killed: whatever was being done is not, and the broker gives all that is not settled back."""
        self.place.at_risk |= self.place.unrecorded
        ends = [*(task for _, task in self.in_hand.values()), *self._records]
        for task in ends:
            task.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
        self._give_back()

    def _give_back(self) -> None:
        self.place.queue[:0] = [message for message, _ in self.in_hand.values()]
        self.in_hand.clear()


def check(place: Place, host: str, post: str) -> None:
    """Assert that a host got the deletion of a post, that last, and the rest in order and once.

    Only what somebody had sent and not recorded when he was killed or frozen may come again, and then the
    deletion after it. Of a Create that comes again after its Update nobody takes notice.
    """
    came = [uri for to, uri in place.arrived if to == host and uri.startswith(f"{post}/")]
    first = sorted(set(came), key=came.index)
    assert came[-1:] == [f"{post}/Delete"]
    assert first == sorted(first, key=lambda uri: KINDS.index(uri.partition("/")[2]))
    for uri in first:
        assert came.count(uri) == 1 or (uri_hash(uri), f"https://{host}/inbox") in place.at_risk
