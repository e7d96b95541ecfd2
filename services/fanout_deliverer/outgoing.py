"""Planned pages on their way out: recorded together, then published together, in the order they came."""

import asyncio
from collections.abc import Mapping, Sequence

import structlog
from msgspec import Struct

from services.fanout_deliverer.plan import plan_deliveries
from shared.database import bulk, delivery_plans
from shared.database.bulk import NewMessage
from shared.database.delivery_plans import Destination, Planned, SentActivity
from shared.database.pool import Connection
from shared.protocol.identifiers import host_of
from shared.protocol.messages import Codec, Delivery
from shared.queue.publisher import Payload, Publisher, encode_batches
from shared.queue.topology import deliver_queue

log = structlog.get_logger(__name__)

FULL = 1000
"""Destinations that are written in one go."""

MAX_TARGETS = 64
"""Inboxes in one queue message: it is settled only once all of them are."""


class Page(Struct, frozen=True):
    """Some of an activity's destinations; `last` where no more come; `digests` of followers by host."""

    sent: SentActivity
    destinations: Sequence[Destination]
    last: bool
    digests: Mapping[str, bytes] = {}


class Outgoing:
    """Gathers pages, and what is left to the bulk, and sends them off: the pages first.

    What is published is recorded before, so that an outcome finds its row; an activity counts as planned
    once all of it is published. A crash in between leads to the same plan again, which changes no row and
    whose second messages find the first ones settled.

    Args:
        conn: The database.
        publisher: For the deliveries.
        bulk_begun: Is set when something is left to be planned in bulk.
    """

    def __init__(self, conn: Connection, publisher: Publisher, bulk_begun: asyncio.Event) -> None:
        self._conn = conn
        self._publisher = publisher
        self._bulk_begun = bulk_begun
        self._pages: list[Page] = []
        self._left: list[tuple[SentActivity, bytes]] = []

    async def add(self, page: Page) -> None:
        """Take in a page; send everything off if that makes a portion."""
        self._pages.append(page)
        if sum(len(one.destinations) for one in self._pages) >= FULL:
            await self.flush()

    def leave_to_bulk(self, sent: SentActivity, message: bytes) -> None:
        """Take in what is planned page by page, beside the queue, from the message that it came in."""
        self._left.append((sent, message))

    async def flush(self) -> None:
        """Record and publish what has been gathered; raises Unavailable."""
        await self._send_off()
        await self._begin_bulk()

    async def _begin_bulk(self) -> None:
        left, self._left = self._left, []
        if not left:
            return
        await bulk.begin(self._conn, left)
        self._bulk_begun.set()
        for sent, _ in left:
            log.info("planned_in_bulk", activity=sent.uri, type=sent.type, trace=sent.trace)

    async def _send_off(self) -> None:
        pages, self._pages = self._pages, []
        if not pages:
            return
        async with self._conn.transaction():
            await delivery_plans.insert_activities(self._conn, [page.sent for page in pages])
            await delivery_plans.insert_planned(self._conn, _rows(pages))
        await self._publisher.publish_many(self._payloads(pages))
        if finished := [page.sent.uri for page in pages if page.last]:
            await delivery_plans.mark_planned(self._conn, finished)

    def _payloads(self, pages: Sequence[Page]) -> list[Payload]:
        return [(deliver_queue(one.shard), one.payload) for one in messages_of(pages)]


_codec = Codec(Delivery)


def messages_of(pages: Sequence[Page]) -> list[NewMessage]:
    """Return the messages that carry these pages of one author or several, in order within each shard."""
    shards: dict[int, list[Delivery]] = {}
    for page in pages:
        planned = plan_deliveries(page.sent, page.destinations, MAX_TARGETS, page.digests)
        for shard, messages in planned.items():
            shards.setdefault(shard, []).extend(messages)
    return [
        NewMessage(
            shard=shard,
            actor_id=portion[0].actor_id,
            targets=sum(len(one.targets) for one in portion),
            payload=payload,
        )
        for shard, messages in shards.items()
        for portion in portions_of(messages)
        for payload in encode_batches(_codec, portion)
    ]


def portions_of(messages: Sequence[Delivery]) -> list[list[Delivery]]:
    """Return the deliveries of a shard as what goes into one queue message each, in order."""
    portions: list[list[Delivery]] = []
    room = 0
    for message in messages:
        if len(message.targets) > room:
            portions.append([])
            room = MAX_TARGETS
        portions[-1].append(message)
        room -= len(message.targets)
    return portions


def _rows(pages: Sequence[Page]) -> list[Planned]:
    return [
        Planned(
            activity_uri=page.sent.uri,
            inbox=destination.inbox,
            host=host_of(destination.inbox),
            shared=destination.shared,
            created_at=page.sent.created_at,
        )
        for page in pages
        for destination in page.destinations
    ]
