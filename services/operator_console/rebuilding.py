"""A broker that lost everything is filled again from what the database holds."""

from datetime import datetime

import structlog
from msgspec import Struct

from services.operator_console.broker import open_broker
from services.operator_console.session import Session
from shared.database import outbox, parked_deliveries
from shared.database.pool import Connection
from shared.queue.publisher import Publisher

log = structlog.get_logger(__name__)

PAGE = 256
REASON = "broker_rebuilt"


class Rebuilt(Struct, frozen=True, kw_only=True):
    """How much was published again, and how many deliveries will be sent again."""

    published_again: int
    deliveries_sent_again: int


async def rebuild(session: Session, since: datetime, *, dry_run: bool) -> Rebuilt:
    """Declare the queues, park what the lost ones held, publish again what the outbox gave them.

    Everything may be done twice: claims, plans and outcomes recognise what was handled before the loss.
    Raises Unavailable where broker or database do not answer.

    Args:
        session: An open command.
        since: Messages published before are not published again.
        dry_run: Only count.
    """
    async with session.pool.acquire() as conn:
        if dry_run:
            return Rebuilt(
                published_again=await outbox.count_sent_since(conn, since),
                deliveries_sent_again=await parked_deliveries.count_queued(conn),
            )
        async with open_broker(session.settings) as broker:
            # Before anything is planned anew: what that queues is in its queue.
            parked = await parked_deliveries.park_queued(conn, REASON, since)
            publisher = Publisher(broker)
            published = await _publish_again(conn, publisher, since)
            await publisher.close()
    log.info("broker_rebuilt", published=published, parked=parked)
    return Rebuilt(published_again=published, deliveries_sent_again=parked)


async def _publish_again(conn: Connection, publisher: Publisher, since: datetime) -> int:
    published, last = 0, 0
    while rows := await outbox.sent_since(conn, since, last, PAGE):
        await publisher.publish_many([(row.queue, row.payload) for row in rows])
        published, last = published + len(rows), rows[-1].id
    return published
