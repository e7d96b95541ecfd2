"""A post that goes in bulk and its deletion that goes by the queue, or vice versa, whatever moves or dies."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.fanout_deliverer.bulk_lane import BulkLane, BulkShard
from services.fanout_deliverer.lease import Lease, Pulse
from shared.database.pool import Pool
from shared.protocol.activities import Activity
from shared.protocol.messages import AcceptedActivity
from shared.queue.publisher import Publisher
from shared.queue.topology import shard_of
from tests.builders import parsed
from tests.unit.deliverer.modelled_plans import OUTSIDE, Around, Planners, Tables, planners
from tests.unit.deliverer.modelled_shard import HOST, Deliverer, Place, check

HOSTS = [
    HOST,
    next(host for n in range(1000) if shard_of(host := f"elm{n}.example") == shard_of(HOST)),
]
"""Two of the same shard; the bulk is planned a host at a time."""


class QuietLease(Lease):
    """A lease whose shard is quiet once nothing of the last holder is on its way.

    Args:
        place: Where that is known.
        pulse: Of the process.
    """

    def __init__(self, place: Place, pulse: Pulse) -> None:
        super().__init__(shard_of(HOST), pulse)
        self._place = place

    async def quiet(self) -> None:
        """Wait for the requests rather than for as long as one may last."""
        await self._place.nothing_on_the_way.wait()


class Bulk(BulkShard):
    """The bulk of the shard in a process that may be killed."""

    async def die(self) -> None:
        """Leave everything as it is."""
        tasks = [task for task in (self._task, *self._batches) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Process(Deliverer):
    """A process that works the queue and the bulk of the shard.

    Args:
        place: Where it works.
        tables: What waits in bulk.
    """

    def __init__(self, place: Place, tables: Tables) -> None:
        super().__init__(place)
        self.tables = tables
        self.lease = QuietLease(place, self._pulse)
        lane = BulkLane(cast("Pool", tables), cast("Publisher", tables), self.deliver_bulk)
        self.bulk = Bulk(lane, self.lease, lane.shard(self.lease).handling)
        self.bulk.start()

    async def leave(self) -> None:
        """Hand queue and bulk on in order."""
        self.lease.leave()
        await asyncio.gather(super().leave(), self.bulk.stop())

    async def die(self) -> None:
        """Be killed in the middle of both."""
        await asyncio.gather(super().die(), self.bulk.die())

    async def freeze(self) -> "Process":
        """Be out of touch until others have taken the shard; return who begins on it at once.

        The broker does not serve that one before the last request has ended: the bulk alone may begin.
        """
        self.out_of_touch()
        other = Process(self.place, self.tables)
        await self.place.nothing_on_the_way.wait()
        self.place.queue[:0] = [message for message, _ in self.in_hand.values()]
        self.thaw()
        return other


def _activities(author: int) -> list[Activity]:
    actor, post = f"{OUTSIDE}{author}", f"post{author}"
    note = parsed.note(actor, id=post)
    return [
        parsed.create(note, id=f"{post}/Create"),
        parsed.update(note, id=f"{post}/Update"),
        parsed.delete(post, actor, id=f"{post}/Delete"),
    ]


ITEMS = [parsed.accepted(activity) for author in range(2) for activity in _activities(author)]
"""What two authors make, change and delete."""

ACTIONS = ("plan", "plan", "plan two", "plan again", "bulk", "bulk", "take", "take", "wait")
RARE = ("move", "kill", "freeze", "recover")


@dataclass
class Play:
    """What happens, and to whom."""

    place: Place
    tables: Tables
    planners: Planners
    working: Process
    left: list[AcceptedActivity]

    async def act(self, action: str) -> None:
        """Have one thing happen."""
        match action:
            case "plan" | "plan two":
                await self._plan(2 if action == "plan two" else 1)
            case "plan again":
                await self.planners.queue.plan(ITEMS[: len(ITEMS) - len(self.left)][-2:])
            case "bulk":
                await self.planners.bulk.turn()
                self.working.bulk.wake()
            case "take":
                self.working.take()
            case "recover":
                await self.place.release()
            case "move" | "kill":
                await (self.working.leave() if action == "move" else self.working.die())
                self.working = Process(self.place, self.tables)
            case "freeze":
                self.working = await self.working.freeze()
        await self.place.pause()

    async def _plan(self, count: int) -> None:
        items, self.left = self.left[:count], self.left[count:]
        if items:
            await self.planners.queue.plan(items)

    async def finish(self) -> None:
        """Let everything come to its end."""
        self.place.answers.clear()
        await self._plan(len(self.left))
        while self.place.queue or self.working.in_hand or self._waits_in_bulk or self.place.has_parked:
            await self.act("bulk")
            await self.act("take")
            if not (self.place.queue or self.working.in_hand or self._waits_in_bulk):
                await self.place.release()
        for process in (self.working, *self.place.frozen):
            await process.leave()

    @property
    def _waits_in_bulk(self) -> bool:
        return bool(self.tables.plans or self.tables.messages)


async def _play(place: Place, actions: Sequence[str], shares: list[str]) -> None:
    tables = Tables(place)
    around = Around([f"https://{host}/inbox" for host in HOSTS], shares)
    with tables.stand_in():
        play = Play(place, tables, planners(tables, around), Process(place, tables), list(ITEMS))
        for action in actions:
            await play.act(action)
        await play.finish()


@settings(max_examples=300, deadline=None)
@example(seed=17291)  # who was frozen records a deletion while the next one repeats what came before it
@example(seed=245236335)  # an Update that comes again after a kill is parked, and superseded
@given(seed=st.integers(0, 2**32 - 1))
def test_bulk_and_queue_keep_the_order_of_a_post(seed: int) -> None:
    """Whichever way each of them goes, a host gets the deletion of a post, after all else of it, and once.

    Only what somebody had sent and not recorded when he was killed or frozen may come again.
    """
    chance = random.Random(seed)
    actions = chance.choices(ACTIONS * chance.randint(1, 4) + RARE, k=chance.randint(0, 40))
    shares = chance.choices(("spent", "little", "enough", "enough"), k=6)
    troubles = chance.choices((202, 202, 202, 401, 503), k=chance.choice((0, 0, 8)))
    place = Place(troubles, chance.choices((0, 1, 2, 5, 20), k=2000))
    asyncio.run(_play(place, actions, shares))
    for host in HOSTS:
        for number in range(2):
            check(place, host, f"post{number}")
