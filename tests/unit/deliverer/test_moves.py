"""Whatever moves, dies, fails or comes twice: nothing is lost, and no host gets a post after its deletion.

The worker, its lanes and leases are the real ones. The broker, the database and the other servers are models
whose every step may fall between any two steps of the worker.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.fanout_deliverer.courier import Answer, Courier
from services.fanout_deliverer.facts import FactFinder, Facts, Job, Key
from services.fanout_deliverer.lease import Lease, Pulse, ShardLeft
from services.fanout_deliverer.precedence import Precedence
from services.fanout_deliverer.recorder import Recorder, Report
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
WHEN = datetime(2026, 9, 14, tzinfo=UTC)
SETTLED = {State.DELIVERED, State.DEAD, State.SUPERSEDED}

Message = tuple[Delivery, ...]


def _key(delivery: Delivery, target: Target) -> Key:
    return uri_hash(delivery.activity_id), target.inbox


def _sibling(delivery: Delivery, kind: str) -> Key:
    """Return the delivery of another kind about the same post."""
    return uri_hash(f"{delivery.activity_id.partition('/')[0]}/{kind}"), INBOX


@dataclass
class Place:
    """The rest of the world: one shard's queue, the database, and what arrived where."""

    answers: list[int]
    delays: list[int]
    queue: list[Message] = field(default_factory=list)
    states: dict[Key, State] = field(default_factory=dict)
    failing: bool = False
    arrived: list[str] = field(default_factory=list)
    planned: list[tuple[Delivery, Target]] = field(default_factory=list)
    on_the_way: int = 0
    nothing_on_the_way: asyncio.Event = field(default_factory=asyncio.Event)
    frozen: list["Deliverer"] = field(default_factory=list)

    def publish(self, message: Message) -> None:
        """Record what is planned and queue it, as the planner does; a copy changes no row."""
        for delivery in message:
            for target in delivery.targets:
                if self.states.setdefault(_key(delivery, target), State.QUEUED) is State.QUEUED:
                    self.planned.append((delivery, target))
        self.queue.append(message)

    def is_pointless(self, delivery: Delivery) -> bool:
        """Tell whether a Delete of the same post is planned."""
        return delivery.activity_type != "Delete" and _sibling(delivery, "Delete") in self.states

    def is_behind(self, delivery: Delivery) -> bool:
        """Tell whether the Create of what this updates is parked."""
        create = self.states.get(_sibling(delivery, "Create"))
        return delivery.activity_type == "Update" and create is State.PARKED

    async def pause(self) -> None:
        """Let others run for a while."""
        for _ in range(self.delays.pop() if self.delays else 1):
            await asyncio.sleep(0)

    async def bring(self, delivery: Delivery, _target: Target, _host: Host) -> Answer:
        """Stand for the courier and the server that it goes to."""
        self.on_the_way += 1
        self.nothing_on_the_way.clear()
        try:
            return await self._answer(delivery)
        finally:
            self.on_the_way -= 1
            if not self.on_the_way:
                self.nothing_on_the_way.set()

    async def _answer(self, delivery: Delivery) -> Answer:
        await self.pause()
        status = self.answers.pop() if self.answers else 202
        if status == 202:
            self.arrived.append(delivery.activity_id)
        await self.pause()
        return Answer(manner=Manner.CAVAGE, seconds=0.01, latency=0.01, status=status)

    async def record(self, report: Report) -> None:
        """Stand for the recorder: what is settled stays so."""
        await self.pause()
        key = uri_hash(report.progress.activity_uri), report.progress.inbox
        if self.states[key] not in SETTLED:
            self.states[key] = report.progress.state
        if isinstance(report.event, Trouble):
            self.failing = True

    @property
    def has_parked(self) -> bool:
        """Whether anything waits for its host."""
        return State.PARKED in self.states.values()

    async def release(self) -> None:
        """Stand for the backlog: the host is well again, and what is parked goes out, oldest first."""
        self.failing, chosen = False, list[tuple[Delivery, Target]]()
        for delivery, target in self.planned:
            key = _key(delivery, target)
            if self.states[key] is not State.PARKED:
                continue
            if self.is_pointless(delivery):
                self.states[key] = State.SUPERSEDED
                continue
            self.states[key] = State.QUEUED
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
            recorder=cast("Recorder", place),
            blocks=cast("DomainBlocks", frozenset()),
            precedence=Precedence(),
        )
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
            hosts={HOST: Host(host=HOST, failures=int(self.place.failing), next_try_at=WHEN)},
            pointless={
                job.key for job in jobs if job.target.released and self.place.is_pointless(job.delivery)
            },
            behind={job.key: WHEN for job in jobs if self.place.is_behind(job.delivery)},
        )
        await self.place.pause()
        return facts

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

    async def freeze(self) -> "Deliverer":
        """Be out of touch until others have taken the shard; return who has.

        What is on its way arrives before: the broker serves nobody else meanwhile.
        """
        self._pulse.beats_until(0.0)
        await self.place.nothing_on_the_way.wait()
        other = Deliverer(self.place)
        self.place.queue[:0] = [message for message, _ in self.in_hand.values()]
        self.place.frozen.append(self)
        return other

    async def die(self) -> None:
        """Be killed: whatever was being done is not, and the broker gives all that is not settled back."""
        for _, task in self.in_hand.values():
            task.cancel()
        await asyncio.gather(*(task for _, task in self.in_hand.values()), return_exceptions=True)
        self._give_back()

    def _give_back(self) -> None:
        self.place.queue[:0] = [message for message, _ in self.in_hand.values()]
        self.in_hand.clear()


POSTS = [
    (
        Delivery(
            activity_id=f"post{number}/{kind}",
            activity_type=kind,
            actor_id=number,
            body=b"{}",
            targets=(Target(inbox=INBOX, shared=True),),
            created_at=WHEN,
            trace="",
        ),
    )
    for number in range(2)
    for kind in KINDS
]
"""What two authors make, change and delete."""

ACTIONS = ("publish", "publish", "publish", "publish again", "take", "take", "take", "wait")
RARE = ("move", "kill", "freeze", "recover")


async def _play(place: Place, actions: Sequence[str]) -> int:
    """Carry these actions out, then let everything come to its end; return how often somebody was killed."""
    left, published, kills = list(POSTS), list[Message](), 0
    working = Deliverer(place)
    for action in actions:
        if action == "publish" and left:
            published.append(left.pop(0))
            place.publish(published[-1])
        elif action == "publish again" and published:
            place.publish(published[-1])
        elif action == "take":
            working.take()
        elif action == "recover":
            await place.release()
        elif action in RARE:
            kills += action == "kill"
            working = await _replaced(working, action)
        await place.pause()
    for message in left:
        place.publish(message)
    await _finish(place, working)
    return kills


async def _replaced(working: Deliverer, action: str) -> Deliverer:
    if action == "freeze":
        return await working.freeze()
    await (working.leave() if action == "move" else working.die())
    return Deliverer(working.place)


async def _finish(place: Place, working: Deliverer) -> None:
    place.answers.clear()
    while place.queue or working.in_hand or place.has_parked:
        working.take()
        await asyncio.sleep(0)
        if not place.queue and not working.in_hand:
            await place.release()
    for frozen in place.frozen:
        await frozen.leave()


@settings(max_examples=200, deadline=None)
@given(
    actions=st.lists(st.one_of(st.sampled_from(ACTIONS), st.sampled_from(ACTIONS + RARE)), max_size=30),
    answers=st.lists(st.sampled_from([202, 202, 401, 503]), max_size=8),
    delays=st.lists(st.integers(0, 5), max_size=60),
)
def test_nothing_is_lost_and_no_post_comes_after_its_deletion(
    actions: list[str], answers: list[int], delays: list[int]
) -> None:
    """A host gets each deletion, nothing of a post after it, no edit before its post, and nothing twice.

    Only what was in the hands of somebody who was killed may come again.
    """
    place = Place(answers, delays)
    place.nothing_on_the_way.set()
    kills = asyncio.run(_play(place, actions))
    for number in range(2):
        arrived = [uri.partition("/")[2] for uri in place.arrived if uri.startswith(f"post{number}/")]
        assert "Delete" in arrived
        first = sorted(set(arrived), key=arrived.index)
        last = sorted(set(arrived), key=arrived[::-1].index, reverse=True)
        assert first == last == sorted(first, key=KINDS.index)
        if not kills:
            assert len(arrived) == len(first)
