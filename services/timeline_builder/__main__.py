"""The timeline builder: apply what was accepted, and relay what transactions left in the outbox.

Run it as `python -m services.timeline_builder`.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

from services.timeline_builder import closing, lapses, letting_go, upkeep
from services.timeline_builder.apply import apply_batch
from services.timeline_builder.relay import Relay
from shared.actions.site import Site
from shared.database.pool import Pool, create_pool, unavailable_when_down
from shared.database.retention import Kept
from shared.database.worker_ids import id_generator
from shared.protocol.local_uris import LocalUris
from shared.protocol.messages import AcceptedActivity, Codec
from shared.queue.connection import connect
from shared.queue.consumer import BatchConsumer
from shared.queue.live import LivePublisher
from shared.queue.publisher import Publisher
from shared.queue.topology import ACTIVITY_ACCEPTED
from shared.runtime.context import Context
from shared.runtime.service import run
from shared.runtime.startup import open_patiently

NAME = "timeline-builder"
NEED = ("origin", "database_url", "broker_url")
CONNECTIONS = 4

BATCH = 128
"""Activities in one transaction: each holds some of the database's locks until the commit."""


async def main(context: Context) -> None:
    """Apply and relay until told to stop, then finish the batch in hand."""
    settings = context.settings
    async with AsyncExitStack() as stack:
        pool = await open_patiently(
            context,
            "database",
            lambda: create_pool(settings.database_url, max_size=CONNECTIONS, application_name=NAME),
        )
        stack.push_async_callback(pool.close)
        uris = LocalUris(settings.origin, settings.account_domain)
        site = await open_patiently(context, "schema", lambda: _site(pool, uris, settings.fan_out_limit))
        broker = await stack.enter_async_context(connect(settings.broker_url, NAME))
        context.ready.add("database", lambda: _answers(pool))
        context.ready.add("broker", broker.check)

        live = LivePublisher(broker)

        async def handle(items: Sequence[AcceptedActivity]) -> None:
            await apply_batch(pool, site, items, live.tell)

        consumer = BatchConsumer(broker, ACTIVITY_ACCEPTED, Codec(AcceptedActivity), handle, max_items=BATCH)
        context.ready.add(ACTIVITY_ACCEPTED, consumer.check)
        relay = Relay(pool, Publisher(broker), settings.database_url)
        kept = Kept.for_days(settings.deliveries_kept, settings.receipts_kept)
        async with consumer, asyncio.TaskGroup() as tasks:
            tasks.create_task(relay.run(context.stopping))
            tasks.create_task(live.run(context.stopping))
            tasks.create_task(upkeep.run(pool, site, context.stopping))
            tasks.create_task(letting_go.run(pool, kept, context.stopping))
            tasks.create_task(lapses.run(pool, context.stopping))
            tasks.create_task(closing.run(pool, site, context.stopping))


async def _site(pool: Pool, uris: LocalUris, fan_out_limit: int) -> Site:
    with unavailable_when_down():
        async with pool.acquire() as conn:
            return Site(uris=uris, ids=await id_generator(conn), fan_out_limit=fan_out_limit)


async def _answers(pool: Pool) -> str:
    with unavailable_when_down():
        await pool.fetchval("SELECT 1")
    return ""


if __name__ == "__main__":
    run(NAME, main, need=NEED)
