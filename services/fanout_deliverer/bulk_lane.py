"""The bulk of a shard: messages that wait in the database, each author's next before anybody's second.

Few of them are in hand at once, so whoever comes later waits for these few at most. One is forgotten after
all of its deliveries are recorded; after a crash it is worked again and skips what is settled.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

import structlog

from services.fanout_deliverer.insist import insist
from services.fanout_deliverer.lease import Lease
from services.fanout_deliverer.together import Together
from shared.database import bulk
from shared.database.bulk import BulkMessage, Look
from shared.database.pool import Pool, unavailable_when_down
from shared.protocol.errors import Malformed, Unavailable
from shared.protocol.messages import Codec, Delivery
from shared.queue.handling import GiveBack, Handling
from shared.queue.publisher import Publisher
from shared.queue.topology import deliver_queue

log = structlog.get_logger(__name__)

AT_ONCE = 8
"""Batches of one shard in hand at once."""

BATCH = 64
"""Targets in one batch: small messages are worked together, in order."""

LOOK_AHEAD = 32
"""Messages that are looked at to fill the batches."""

LOOKS_TOGETHER = 16
"""Shards that are looked at in one statement: what it may bring is held in memory."""

SETTLED_TOGETHER = 1024
"""Messages that are forgotten in one statement."""

POLL = 0.5
"""Seconds until what another process has planned is found."""

_AGES_EVERY = 10
_PAUSE = 1.0
_ATTEMPTS = 3
_DEADLINE = 86_400.0

Deliver = Callable[[Sequence[Delivery], Lease], Awaitable[None]]


class BulkShard:
    """Works the bulk of one shard from `start` to `stop`.

    Args:
        lane: Whose shard it is.
        lease: The right to work it.
        handling: Gets a batch done, or gives it up.
    """

    def __init__(self, lane: "BulkLane", lease: Lease, handling: Handling[Delivery]) -> None:
        self.shard = lease.shard
        self.handling = handling
        self._lane = lane
        self._lease = lease
        self._codec = Codec(Delivery)
        self._in_hand: set[int] = set()
        self._batches: set[asyncio.Task[None]] = set()
        self._look = asyncio.Event()
        self._more = True
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; returns at once."""
        self._lane.shards[self.shard] = self
        self._task = asyncio.create_task(self._run(), name=f"bulk of shard {self.shard}")

    async def stop(self) -> None:
        """Begin nothing more; return when nothing is in hand."""
        self._stopping.set()
        self._look.set()
        if self._lane.shards.get(self.shard) is self:
            del self._lane.shards[self.shard]
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    def wake(self) -> None:
        """Look for what waits."""
        self._more = True
        self._look.set()

    async def _run(self) -> None:
        await self._lease.quiet()
        try:
            while not self._stopping.is_set():
                self._look.clear()
                room = AT_ONCE - len(self._batches)
                if self._more and room:
                    await self._fill(room)
                await self._look.wait()
        finally:
            await asyncio.gather(*self._batches, return_exceptions=True)

    async def _fill(self, room: int) -> None:
        self._more = False
        try:
            messages = await self._lane.next_messages(self.shard, self._in_hand)
        except Unavailable as outage:
            log.warning("bulk_held", shard=self.shard, reason=outage.reason)
            return  # the next poll wakes it
        except Exception:
            log.exception("bulk_failed", shard=self.shard)
            return
        batches = batches_of(messages)
        self._more = len(batches) > room or len(messages) == LOOK_AHEAD
        for batch in batches[:room]:
            # Tasks begin in this order, and places in the lanes are taken before anything is awaited.
            self._in_hand.update(message.id for message in batch)
            task = asyncio.create_task(self._work(batch))
            self._batches.add(task)
            task.add_done_callback(self._batches.discard)

    async def _work(self, batch: Sequence[BulkMessage]) -> None:
        ids = [message.id for message in batch]
        try:
            await self._finish(batch)
            await insist(lambda: self._lane.settle(ids), "bulk_settling_held")
        except GiveBack:
            pass  # to whoever works the shard next
        except Exception:
            log.exception("bulk_batch_failed", shard=self.shard, messages=ids)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PAUSE):
                    await self._stopping.wait()
            self._more = True
        finally:
            self._in_hand.difference_update(ids)
            asyncio.get_running_loop().call_soon(self._look.set)

    async def _finish(self, batch: Sequence[BulkMessage]) -> None:
        items: list[Delivery] = []
        for message in batch:
            try:
                items += self._codec.decode(message.payload)
            except Malformed as error:
                await self.handling.give_up(message.payload, error, self._stopping)
        if items:
            await self.handling.finish(items, self._stopping)


def batches_of(messages: Sequence[BulkMessage]) -> list[list[BulkMessage]]:
    """Return messages in batches of few targets, in order."""
    batches: list[list[BulkMessage]] = []
    room = 0
    for message in messages:
        if message.targets > room:
            batches.append([])
            room = BATCH
        batches[-1].append(message)
        room -= message.targets
    return batches


class BulkLane:
    """The bulk of all shards that this process works.

    Args:
        pool: Where it waits.
        publisher: For what is given up.
        deliver: Sends a batch, and returns after every outcome is recorded.
    """

    def __init__(self, pool: Pool, publisher: Publisher, deliver: Deliver) -> None:
        self._pool = pool
        self._publisher = publisher
        self._deliver = deliver
        self._looks = Together(self._next_messages, most=LOOKS_TOGETHER)
        self._settled = Together(self._settle, most=SETTLED_TOGETHER)
        self.shards: dict[int, BulkShard] = {}
        self.added = asyncio.Event()
        """Set by whoever adds messages in this process."""

    def shard(self, lease: Lease) -> BulkShard:
        """Return the bulk of a shard, not started."""

        async def deliver(items: Sequence[Delivery]) -> None:
            await self._deliver(items, lease)

        handling = Handling(
            deliver_queue(lease.shard),
            Codec(Delivery),
            deliver,
            self._publisher,
            deadline=_DEADLINE,
            attempts=_ATTEMPTS,
            name=f"bulk.{lease.shard:02d}",
        )
        return BulkShard(self, lease, handling)

    async def run(self) -> None:
        """Wake the shards for which something waits, until cancelled."""
        polls = 0
        while True:
            self.added.clear()
            try:
                await self._wake()
            except Unavailable as outage:
                log.warning("bulk_held", reason=outage.reason)
            except Exception:
                log.exception("bulk_failed")  # and looked at again
            polls += 1
            if polls % _AGES_EVERY == 0:
                for one in self.shards.values():
                    one.handling.age.look()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL):
                    await self.added.wait()

    async def _wake(self) -> None:
        if not self.shards:
            return
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                waiting = await bulk.shards_waiting(conn, list(self.shards))
        for shard in waiting & self.shards.keys():
            self.shards[shard].wake()

    async def next_messages(self, shard: int, in_hand: Collection[int]) -> Sequence[BulkMessage]:
        """Return what is next in a shard; raises Unavailable."""
        return (await self._looks.find([Look(shard, tuple(in_hand))])).get(shard, ())

    async def settle(self, messages: Sequence[int]) -> None:
        """Forget messages; raises Unavailable."""
        await self._settled.find(messages)

    async def _next_messages(self, looks: Sequence[Look]) -> Mapping[int, Sequence[BulkMessage]]:
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                return await bulk.next_messages(conn, looks, LOOK_AHEAD)

    async def _settle(self, messages: Sequence[int]) -> None:
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                await bulk.settle(conn, messages)
