"""One lane per remote host: who goes next, how many at a time, and whether going makes sense.

A lane exists only while something is in it. What one author sends to a host keeps its order; different
authors share the host's few slots. When a host fails, whoever stood in its lane by then is turned away.
"""

import asyncio
import time
from collections.abc import Hashable
from datetime import datetime

from services.fanout_deliverer.slots import SLOTS, SLOW_SLOTS, Slots
from shared.database.deliveries import State

PATIENCE = 5.0
"""Seconds that a delivery waits in the lane of a slow host before it is parked."""

SLOW = 0.5
"""Seconds per request, on average, from which on a host counts as slow."""

_WEIGHT = 0.3
"""How much the newest request counts in the average."""


class Lane:
    """What is going on with one host right now."""

    __slots__ = (
        "copies",
        "done",
        "entered",
        "epoch",
        "latency",
        "parked_until",
        "parking",
        "retry_at",
        "slots",
        "tails",
        "users",
    )

    def __init__(self) -> None:
        self.slots = Slots()
        self.tails: dict[int, Place] = {}
        self.users = 0
        self.copies: dict[Hashable, int] = {}
        self.done: set[Hashable] = set()
        self.entered = 0
        self.parking: dict[int, int] = {}
        self.parked_until: dict[int, int] = {}
        self.epoch = 0
        self.retry_at: datetime | None = None
        self.latency = 0.0

    def observe(self, seconds: float) -> None:
        """Take a request's duration into the average."""
        self.latency += _WEIGHT * (seconds - self.latency)
        self.slots.allowed = SLOW_SLOTS if self.latency >= SLOW else SLOTS


class Place:
    """One delivery's place in a lane, taken in the order of the queue.

    Args:
        lanes: Where the lane belongs.
        host: Whose lane.
        author: Order is kept among deliveries of the same author.
        key: What is delivered; a second copy of it is recognised.
    """

    __slots__ = (
        "_author",
        "_before",
        "_entered",
        "_epoch",
        "_follower",
        "_gone",
        "_has_slot",
        "_host",
        "_key",
        "_lanes",
        "_number",
        "_parks",
        "has_passed",
        "lane",
    )

    def __init__(self, lanes: "Lanes", host: str, author: int, key: Hashable) -> None:
        self.lane = lane = lanes.lane(host)
        self._lanes, self._host, self._author, self._key = lanes, host, author, key
        self._before = lane.tails.get(author)
        self.has_passed = False
        """Whether the next of this author may go."""
        self._follower: asyncio.Future[None] | None = None
        lane.tails[author] = self
        lane.users += 1
        lane.entered += 1
        self._number = lane.entered
        lane.copies[key] = lane.copies.get(key, 0) + 1
        self._epoch = lane.epoch
        self._entered = time.monotonic()
        self._has_slot = self._gone = self._parks = False

    async def turn(self, slots: int = SLOTS, latency: float = 0.0) -> None:
        """Return when it is this one's turn and the host has a slot free.

        Args:
            slots: How many of the host's slots may be taken already for this one to take another.
            latency: What is known of the host from before, in seconds.
        """
        lane = self.lane
        if latency and not lane.latency:
            lane.observe(latency / _WEIGHT)
        before, self._before = self._before, None
        if before is not None and not before.has_passed:
            await before.passed()
        if not lane.slots.try_acquire(slots):
            await lane.slots.acquire(slots)
        self._has_slot = True

    async def passed(self) -> None:
        """Return once the next of this author may go, who alone waits for it."""
        self._follower = asyncio.get_running_loop().create_future()
        await self._follower

    @property
    def already_done(self) -> bool:
        """Whether another copy of this delivery has been settled meanwhile."""
        return self._key in self.lane.done

    @property
    def host_failed(self) -> bool:
        """Whether the host has failed since this place was taken."""
        return self._epoch != self.lane.epoch

    @property
    def waited_too_long(self) -> bool:
        """Whether the host is so slow that others should not wait behind this one."""
        return self.lane.latency >= SLOW and time.monotonic() - self._entered >= self._lanes.patience

    def report_failure(self, retry_at: datetime) -> bool:
        """Note that the host failed; true for the first to say so, false where it was known."""
        if self.host_failed:
            return False
        self.lane.epoch += 1
        self.lane.retry_at = retry_at
        return True

    def report_settled(self) -> None:
        """Note that this delivery needs no further copy, not even one that comes before this is recorded."""
        self.lane.done.add(self._key)

    @property
    def behind_parked(self) -> bool:
        """Whether something of the same author was parked after this place was taken, or is being parked.

        What its place knows of the host is older than that, so going ahead might reverse the order.
        """
        lane = self.lane
        return self._author in lane.parking or self._number <= lane.parked_until.get(self._author, 0)

    def report(self, state: State) -> None:
        """Note what became of this delivery, before that is recorded."""
        if state is State.PARKED:
            self.report_parked()
        else:
            self.report_settled()

    def report_parked(self) -> None:
        """Note that this delivery is being parked; `leave` means that this is recorded."""
        self._parks = True
        self.lane.parking[self._author] = self.lane.parking.get(self._author, 0) + 1

    def pass_on(self) -> None:
        """Let the next one go; may be called twice."""
        if self.has_passed:
            return
        self.has_passed = True
        if self._has_slot:
            self.lane.slots.release()
        self._before = None
        if self._follower is not None and not self._follower.done():
            self._follower.set_result(None)
        if self.lane.tails.get(self._author) is self:
            del self.lane.tails[self._author]

    def leave(self) -> None:
        """Leave the lane, once the outcome is recorded; may be called twice."""
        if self._gone:
            return
        self.pass_on()
        self._gone = True
        if self._parks:
            self._note_parked()
        lane = self.lane
        lane.users -= 1
        copies = lane.copies.pop(self._key) - 1
        if copies:
            lane.copies[self._key] = copies
        else:
            lane.done.discard(self._key)
        if not lane.users:
            self._lanes.drop(self._host)

    def _note_parked(self) -> None:
        self.lane.parking[self._author] -= 1
        if not self.lane.parking[self._author]:
            del self.lane.parking[self._author]
        self.lane.parked_until[self._author] = self.lane.entered


class Lanes:
    """The lanes of all hosts that something is on its way to.

    Args:
        patience: Seconds that a delivery waits in the lane of a slow host.
    """

    def __init__(self, *, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._lanes: dict[str, Lane] = {}

    def __len__(self) -> int:
        return len(self._lanes)

    def enter(self, host: str, author: int, key: Hashable) -> Place:
        """Take the last place in a host's lane; whoever takes it must `leave`."""
        return Place(self, host, author, key)

    def lane(self, host: str) -> Lane:
        """Return a host's lane, a fresh one where it had none."""
        lane = self._lanes.get(host)
        if lane is None:
            lane = self._lanes[host] = Lane()
        return lane

    def drop(self, host: str) -> None:
        """Forget a lane in which nobody is left."""
        del self._lanes[host]
