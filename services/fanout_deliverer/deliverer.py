"""The parts of the deliverer and how they are put together."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from services.fanout_deliverer.allowance import Allowances
from services.fanout_deliverer.backlog import Backlog
from services.fanout_deliverer.bulk_lane import BulkLane, BulkShard
from services.fanout_deliverer.bulk_planner import PAGE as BULK_PAGE
from services.fanout_deliverer.bulk_planner import BulkPlanner
from services.fanout_deliverer.courier import Courier
from services.fanout_deliverer.draft import Drafting
from services.fanout_deliverer.facts import FactFinder
from services.fanout_deliverer.lease import Lease
from services.fanout_deliverer.planner import Planner
from services.fanout_deliverer.precedence import Precedence
from services.fanout_deliverer.profiles import Profiles
from services.fanout_deliverer.recipients import Recipients
from services.fanout_deliverer.recorder import Recorder
from services.fanout_deliverer.shards import Shards
from services.fanout_deliverer.signers import Signers
from services.fanout_deliverer.worker import Worker
from shared.database.pool import Pool
from shared.protocol.local_uris import LocalUris
from shared.protocol.messages import AcceptedActivity, Codec, Delivery
from shared.queue.connection import Broker
from shared.queue.consumer import BatchConsumer
from shared.queue.publisher import Publisher
from shared.queue.topology import FANOUT_PLAN, deliver_queue
from shared.remote.client import GuardedClient
from shared.resolution import DomainBlocks, Resolver
from shared.runtime.health import Check

BATCHES_AT_ONCE = 32
"""Batches of one shard in hand at once: what waits for a slow host holds one of them."""

ITEMS_AT_ONCE = 16
PREFETCH = 128
SHARD_BYTES = 4 << 20
"""Of one shard's messages held at once; a process may have all the shards."""

PLANS_AT_ONCE = 16
PLAN_DEADLINE = 600.0
"""Seconds for a batch of plans; an author with a million followers takes a thousand pages."""

NO_DEADLINE = 86_400.0
"""Seconds. Every request has its own deadline; what may take longer is an outage of the database, which is
waited out so that nothing is posted twice for it."""


class ShardAtWork:
    """The queue and the bulk of a shard, worked together.

    Args:
        consumer: Of the queue.
        bulk: What waits in the database.
    """

    def __init__(self, consumer: BatchConsumer[Delivery], bulk: BulkShard) -> None:
        self._consumer = consumer
        self._bulk = bulk

    def start(self) -> None:
        """Begin to work both; returns at once."""
        self._consumer.start()
        self._bulk.start()

    async def stop(self) -> None:
        """Return when nothing of the shard is under way any more."""
        await asyncio.gather(self._consumer.stop(), self._bulk.stop())

    async def check(self) -> str:
        """Return what is wrong, for readiness, or an empty string."""
        return await self._consumer.check()


class Deliverer:
    """The parts of the deliverer, put together.

    Args:
        pool: The database.
        publisher: For deliveries.
        resolver: Finds recipients that are not known.
        client: Sends.
        uris: Who we are.
        blocks: Suspended domains.
        secret_key: Opens the private keys.
        allowances: How much of an author goes straight into the queues; the usual unless given.
    """

    def __init__(
        self,
        *,
        pool: Pool,
        publisher: Publisher,
        resolver: Resolver,
        client: GuardedClient,
        uris: LocalUris,
        blocks: DomainBlocks,
        secret_key: str,
        allowances: Allowances | None = None,
    ) -> None:
        self._pool = pool
        signers, self._precedence = Signers(secret_key), Precedence()
        self.recorder = Recorder(pool)
        self.backlog = Backlog(pool, publisher)
        self.profiles = Profiles(pool, client)
        self.worker = Worker(
            facts=FactFinder(pool, signers, blocks),
            courier=Courier(client, signers, uris),
            recorder=self.recorder,
            blocks=blocks,
            precedence=self._precedence,
        )
        self.bulk_lane = BulkLane(pool, publisher, self.worker.deliver_bulk)
        drafting = Drafting(signers, uris)
        self.bulk_planner = BulkPlanner(
            pool=pool,
            publisher=publisher,
            drafting=drafting,
            recipients=Recipients(resolver=resolver, uris=uris, blocks=blocks, page=BULK_PAGE),
            blocks=blocks,
            precedence=self._precedence,
            bystanders=self.worker.bystanders,
            added=self.bulk_lane.added,
        )
        self.planner = Planner(
            pool=pool,
            publisher=publisher,
            drafting=drafting,
            recipients=Recipients(resolver=resolver, uris=uris, blocks=blocks),
            blocks=blocks,
            precedence=self._precedence,
            bulk_begun=self.bulk_planner.begun,
            allowances=allowances,
        )

    def plan_consumer(self, broker: Broker) -> BatchConsumer[AcceptedActivity]:
        """Return the consumer of the plan queue, not started."""
        return BatchConsumer(
            broker,
            FANOUT_PLAN,
            Codec(AcceptedActivity),
            self.planner.plan,
            max_items=PLANS_AT_ONCE,
            deadline=PLAN_DEADLINE,
            arrived=self._precedence.take,
        )

    def shard_work(self, broker: Broker, lease: Lease) -> "ShardAtWork":
        """Return what works a shard, not started: its queue, and its bulk."""
        return ShardAtWork(self.shard_consumer(broker, lease), self.bulk_lane.shard(lease))

    def shard_consumer(self, broker: Broker, lease: Lease) -> BatchConsumer[Delivery]:
        """Return the consumer of a shard's queue, not started.

        Batches are begun in the order of the queue, and the lanes keep it per host and author.
        """

        async def deliver(items: Sequence[Delivery]) -> None:
            await self.worker.deliver(items, lease)

        return BatchConsumer(
            broker,
            deliver_queue(lease.shard),
            Codec(Delivery),
            deliver,
            gather=0.0,
            max_items=ITEMS_AT_ONCE,
            prefetch=PREFETCH,
            max_bytes=SHARD_BYTES,
            concurrency=BATCHES_AT_ONCE,
            deadline=NO_DEADLINE,
            arrived=self._precedence.take,
        )

    @asynccontextmanager
    async def running(
        self, broker: Broker, watch: Callable[[asyncio.Task[None]], None]
    ) -> AsyncIterator[dict[str, Check]]:
        """Plan and deliver inside the `async with`, which gives the checks by name.

        What is in hand is finished at its end. `watch` is told of each task in the background, which run
        until they are cancelled and end before that only where they fail.
        """
        shards = Shards(self._pool, lambda lease: self.shard_work(broker, lease))
        background = [
            asyncio.create_task(work(), name=work.__qualname__)
            for work in (
                self.recorder.run,
                self.backlog.run,
                self.backlog.watch,
                self.profiles.run,
                self.worker.pace.run,
                self.bulk_lane.run,
            )
        ]
        renewal = asyncio.create_task(shards.run(), name=shards.run.__qualname__)
        planning = asyncio.create_task(self.bulk_planner.run(), name=self.bulk_planner.run.__qualname__)
        for task in (*background, renewal, planning):
            watch(task)
        plan = self.plan_consumer(broker)
        plan.start()
        try:
            yield {plan.queue: plan.check, "shards": shards.check}
        finally:
            await _end([renewal, planning])
            await asyncio.gather(plan.stop(), shards.close())
            await _end(background)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
