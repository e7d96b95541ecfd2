"""The handler of `fanout.plan`: from one activity to one delivery per server.

What goes to few servers is planned on the spot. What goes to many, or to more than its author's share, is
only written down here and planned page by page beside the queue (`bulk_planner.py`): it holds up nobody.
"""

import asyncio
from collections.abc import Mapping, Sequence
from enum import Enum, auto

import structlog
from msgspec import Struct

from services.fanout_deliverer.allowance import Allowances
from services.fanout_deliverer.draft import Draft, Drafting, digests_for
from services.fanout_deliverer.outgoing import Outgoing, Page
from services.fanout_deliverer.plan import alone, by_author
from services.fanout_deliverer.precedence import Precedence
from services.fanout_deliverer.recipients import START, Position, Recipients
from shared.database import delivery_plans
from shared.database.delivery_plans import Destination, PlanKnown, Precedent
from shared.database.pool import Connection, Pool, unavailable_when_down
from shared.protocol.messages import AcceptedActivity, Codec
from shared.queue.publisher import Publisher
from shared.resolution import DomainBlocks
from shared.telemetry.logging import bound

log = structlog.get_logger(__name__)


class Way(Enum):
    """How an activity goes out."""

    EITHER = auto()
    QUEUES = auto()
    BULK = auto()


class Work(Struct, frozen=True):
    """One activity that is to be planned.

    `before` is its plan where that was begun before; `earlier` is how what was said of its subject before
    went out, where that is known already.
    """

    item: AcceptedActivity
    draft: Draft
    before: PlanKnown | None
    earlier: Precedent | None


class Planner:
    """Plans activities one after the other, in the order of the queue.

    Args:
        pool: The database.
        publisher: For the deliveries.
        drafting: Finds out what is sent, and by whom.
        recipients: Lists to whom.
        blocks: Suspended domains.
        precedence: Taken before the bulk, at each step.
        bulk_begun: Is set when something is left to be planned in bulk.
        allowances: How much of an author goes straight into the queues.
    """

    def __init__(
        self,
        *,
        pool: Pool,
        publisher: Publisher,
        drafting: Drafting,
        recipients: Recipients,
        blocks: DomainBlocks,
        precedence: Precedence,
        bulk_begun: asyncio.Event,
        allowances: Allowances | None = None,
    ) -> None:
        self._pool = pool
        self._publisher = publisher
        self._drafting = drafting
        self._recipients = recipients
        self._blocks = blocks
        self._precedence = precedence
        self._bulk_begun = bulk_begun
        self._allowances = allowances or Allowances()
        self._codec = Codec(AcceptedActivity)

    async def plan(self, items: Sequence[AcceptedActivity]) -> None:
        """Record and publish the deliveries of these activities; raises Unavailable, or Rejected for one."""
        self._precedence.take()
        await self._blocks.refresh()
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                known = await delivery_plans.plans_known(conn, [item.activity.id for item in items])
                work = await self._prepare(conn, by_author(_not_done(items, known)), known)
                outgoing = Outgoing(conn, self._publisher, self._bulk_begun)
                for one in work:
                    with bound(trace=one.item.trace):
                        await self._plan(conn, one, outgoing)
                self._precedence.take()
                await outgoing.flush()

    async def _prepare(
        self, conn: Connection, items: Sequence[AcceptedActivity], known: Mapping[str, PlanKnown]
    ) -> list[Work]:
        """Return what is to be planned, with what can be asked of the database for all of it together."""
        if not items:
            return []
        drafts = await self._drafting.drafts(conn, items)
        reaches = [draft.reach for draft in drafts if draft is not None]
        subjects = alone(reaches)
        asked = {
            reach.subject
            for reach in reaches
            if reach.follows_up and not reach.recalls_all and reach.subject in subjects
        }
        earlier = await delivery_plans.precedents(conn, asked) if asked else {}
        return [
            Work(item, draft, known.get(item.activity.id), earlier.get(draft.reach.subject))
            for item, draft in zip(items, drafts, strict=True)
            if draft is not None
        ]

    async def _plan(self, conn: Connection, work: Work, outgoing: Outgoing) -> None:
        self._precedence.take()
        draft, author, way = work.draft, work.draft.sender.id, await self._way(conn, work, outgoing)
        if way is Way.BULK or (way is Way.EITHER and self._allowances.is_spent(author)):
            self._leave_to_bulk(work, outgoing)
            return
        self._precedence.take()
        most = self._allowances.left(author)
        first, following = await self._gather(conn, draft, most)
        if len(first) > most and way is Way.EITHER:
            # What this author does next is not read as far as this before it is left to the bulk, too.
            self._allowances.take(author, most)
            self._leave_to_bulk(work, outgoing)
            return
        self._allowances.take(author, len(first))
        await self._send(conn, draft, first, following, outgoing)

    async def _way(self, conn: Connection, work: Work, outgoing: Outgoing) -> Way:
        """Return how an activity has to go, so that nothing overtakes what was said of its subject before.

        A plan that was begun goes on as it was. Otherwise one subject stays in the bulk once it was there,
        and in the queues as long as any of it waits there.
        """
        if work.before is not None:
            return Way.BULK if work.before.bulk else Way.QUEUES
        reach = work.draft.reach
        if not reach.follows_up:
            return Way.EITHER
        earlier = work.earlier
        if earlier is None:
            # What this takes back may have been gathered a moment ago, and has to be found.
            await outgoing.flush()
            everything = work.draft.sender.id if reach.recalls_all else None
            earlier = await delivery_plans.precedent(conn, reach.subject, everything)
        if earlier.in_bulk:
            return Way.BULK
        return Way.QUEUES if earlier.in_queues else Way.EITHER

    def _leave_to_bulk(self, work: Work, outgoing: Outgoing) -> None:
        outgoing.leave_to_bulk(work.draft.sent, self._codec.encode([work.item]))

    async def _gather(
        self, conn: Connection, draft: Draft, most: int
    ) -> tuple[dict[str, Destination], Position | None]:
        """Return the first destinations, by inbox: all of them, unless there are more than `most`."""
        first: dict[str, Destination] = {}
        following: Position | None = START
        while following is not None and len(first) <= most:
            page, following = await self._recipients.page(conn, draft.sender, draft.reach, following, first)
            first.update((one.inbox, one) for one in page)
        return first, following

    async def _send(
        self,
        conn: Connection,
        draft: Draft,
        first: dict[str, Destination],
        following: Position | None,
        outgoing: Outgoing,
    ) -> None:
        self._precedence.take()
        count, digests = len(first), await digests_for(conn, draft)
        await outgoing.add(Page(draft.sent, list(first.values()), last=following is None, digests=digests))
        while following is not None:
            page, following = await self._recipients.page(conn, draft.sender, draft.reach, following, first)
            count += len(page)
            await outgoing.add(Page(draft.sent, page, last=following is None, digests=digests))
        log.info("planned", activity=draft.sent.uri, type=draft.sent.type, inboxes=count)


def _not_done(
    items: Sequence[AcceptedActivity], known: Mapping[str, PlanKnown]
) -> Sequence[AcceptedActivity]:
    """Return each of these once, without what is planned."""
    new = list[AcceptedActivity]()
    seen = {uri for uri, before in known.items() if before.done}
    for item in items:
        if item.activity.id in seen:
            log.info("already_planned", trace=item.trace, activity=item.activity.id)
            continue
        seen.add(item.activity.id)
        new.append(item)
    return new
