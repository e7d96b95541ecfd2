"""The parts of the deliverer and how they are put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.fanout_deliverer.backlog import Backlog
from services.fanout_deliverer.courier import Courier
from services.fanout_deliverer.planner import Planner
from services.fanout_deliverer.recorder import Recorder
from services.fanout_deliverer.signers import Signers
from services.fanout_deliverer.worker import Worker
from shared.database.pool import Pool
from shared.protocol.local_uris import LocalUris
from shared.protocol.messages import AcceptedActivity, Codec, Delivery
from shared.queue.connection import Broker
from shared.queue.consumer import BatchConsumer
from shared.queue.publisher import Publisher
from shared.queue.topology import DELIVER_QUEUES, FANOUT_PLAN
from shared.remote.client import GuardedClient
from shared.resolution import DomainBlocks, Resolver
from shared.runtime.health import Check

BATCHES_AT_ONCE = 32
"""Batches of one shard in hand at once: what waits for a slow host holds one of them."""

ITEMS_AT_ONCE = 16
PREFETCH = 128

PLANS_AT_ONCE = 64
PLAN_DEADLINE = 600.0
"""Seconds for a batch of plans; an author with a million followers takes a thousand pages."""

NO_DEADLINE = 86_400.0
"""Seconds. Every request has its own deadline; what may take longer is an outage of the database, which is
waited out so that nothing is posted twice for it."""


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
    ) -> None:
        signers = Signers(secret_key)
        self.recorder = Recorder(pool)
        self.backlog = Backlog(pool, publisher)
        self.planner = Planner(
            pool=pool, publisher=publisher, resolver=resolver, signers=signers, uris=uris, blocks=blocks
        )
        self.worker = Worker(
            pool=pool,
            courier=Courier(client, signers),
            signers=signers,
            recorder=self.recorder,
            blocks=blocks,
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
        )

    def delivery_consumers(self, broker: Broker) -> list[BatchConsumer[Delivery]]:
        """Return the consumers of all shards, not started.

        Batches are begun in the order of the queue, and the lanes keep it per host and author.
        """
        return [
            BatchConsumer(
                broker,
                queue,
                Codec(Delivery),
                self.worker.deliver,
                gather=0.0,
                max_items=ITEMS_AT_ONCE,
                prefetch=PREFETCH,
                concurrency=BATCHES_AT_ONCE,
                deadline=NO_DEADLINE,
            )
            for queue in DELIVER_QUEUES
        ]

    @asynccontextmanager
    async def running(self, broker: Broker) -> AsyncIterator[dict[str, Check]]:
        """Plan and deliver inside the `async with`, which gives the checks by queue.

        What is in hand is finished at its end.
        """
        background = [
            asyncio.create_task(work()) for work in (self.recorder.run, self.backlog.run, self.backlog.watch)
        ]
        plan, shards = self.plan_consumer(broker), self.delivery_consumers(broker)
        plan.start()
        for shard in shards:
            shard.start()
        try:
            yield {plan.queue: plan.check, **{shard.queue: shard.check for shard in shards}}
        finally:
            await asyncio.gather(plan.stop(), *(shard.stop() for shard in shards))
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
