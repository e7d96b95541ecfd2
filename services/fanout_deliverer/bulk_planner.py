"""Plans what goes to many servers: a page of one author, then a page of the next, beside the plan queue.

A page is recorded together with its messages and with where the list goes on, so a crash neither loses nor
repeats any of it. Each author's activities are planned in order, by one process at a time.
"""

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import structlog
from msgspec import Struct

from services.fanout_deliverer import recipients
from services.fanout_deliverer.bystanders import Bystanders
from services.fanout_deliverer.draft import Draft, Drafting, digests_for
from services.fanout_deliverer.outgoing import Page, messages_of
from services.fanout_deliverer.precedence import Precedence
from services.fanout_deliverer.recipients import Recipients
from services.fanout_deliverer.restraint import rest
from shared.database import bulk, delivery_plans
from shared.database.bulk import BulkPlan
from shared.database.delivery_plans import Destination, Planned
from shared.database.pool import Connection, Pool, classify, unavailable_when_down
from shared.protocol.errors import Rejected, Unavailable
from shared.protocol.identifiers import host_of
from shared.protocol.messages import AcceptedActivity, Codec
from shared.queue.handling import Handling
from shared.queue.publisher import Publisher
from shared.queue.topology import FANOUT_PLAN
from shared.resolution import DomainBlocks

log = structlog.get_logger(__name__)

AT_ONCE = 2
"""Plans that this process works at once; one may wait for an actor who is looked up."""

PAGE = 500
"""Destinations per turn: what this process does in one go, and others wait for."""

POLL = 1.0
_ATTEMPTS = 3
_SEEN = 50_000
_PLANS = 64


class Known(Struct, frozen=True):
    """What is kept in memory of a plan between its pages, for speed only.

    `seen` are inboxes that are recorded, `digests` those of followers by host.
    """

    seen: set[str]
    digests: Mapping[str, bytes]


class BulkPlanner:
    """Carries out the plans that were left to it.

    Args:
        pool: The database.
        publisher: For plans that are given up.
        drafting: Finds out what is sent, and by whom.
        recipients: Lists to whom, at most `PAGE` at a time.
        blocks: Suspended domains.
        precedence: Who goes first.
        bystanders: Who else is about.
        added: Is set when messages wait for their shards.
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
        bystanders: Bystanders,
        added: asyncio.Event,
    ) -> None:
        self._pool = pool
        self._drafting = drafting
        self._recipients = recipients
        self._blocks = blocks
        self._precedence = precedence
        self._bystanders = bystanders
        self._added = added
        self._codec = Codec(AcceptedActivity)
        self._failures: dict[int, int] = {}
        self._known: OrderedDict[int, Known] = OrderedDict()
        self._giving_up = Handling(
            FANOUT_PLAN, self._codec, _never, publisher, deadline=0.0, attempts=0, name="bulk.plan"
        )
        self.begun = asyncio.Event()
        """Set by whoever leaves a plan to this process."""

    async def run(self) -> None:
        """Work until cancelled."""
        await asyncio.gather(*(self._run() for _ in range(AT_ONCE)))

    async def _run(self) -> None:
        while True:
            self.begun.clear()
            await self._precedence.give_way()
            began, found = time.monotonic(), False
            try:
                found = await self.turn()
            except Unavailable as outage:
                log.warning("bulk_plan_held", reason=outage.reason)
            except Exception:
                log.exception("bulk_plan_failed")  # and tried again
            if found:
                work = time.monotonic() - began
                await asyncio.sleep(rest(work, others_about=self._bystanders.about))
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL):
                    await self.begun.wait()

    async def turn(self) -> bool:
        """Plan one page of the author who has waited longest; false where there is nothing to plan."""
        try:
            return await self._turn()
        except BaseException:
            self._known.clear()  # what was not committed is not known
            raise

    async def _turn(self) -> bool:
        await self._blocks.refresh()
        with unavailable_when_down():
            async with self._pool.acquire() as conn, conn.transaction():
                plan = await bulk.lock_next_plan(conn)
                if plan is None:
                    return False
                [item] = self._codec.decode(plan.message)
                try:
                    async with conn.transaction():
                        await self._page(conn, plan, item)
                except Exception as error:
                    if isinstance(error, Unavailable) or classify(error) is not None:
                        raise
                    await self._failed(conn, plan, item, error)
        self._added.set()
        return True

    async def _page(self, conn: Connection, plan: BulkPlan, item: AcceptedActivity) -> None:
        [draft] = await self._drafting.drafts(conn, [item])
        if draft is None:
            await self._end(conn, plan)
            return
        at = recipients.decode(plan.position)
        known = await self._knowledge(conn, plan, draft)
        page, following = await self._recipients.page(conn, draft.sender, draft.reach, at, known.seen)
        await self._write(conn, draft, page, known.digests)
        if following is not None:
            await bulk.note_position(conn, plan.id, recipients.encode(following))
            if len(known.seen) < _SEEN:
                known.seen.update(one.inbox for one in page)
            return
        await self._end(conn, plan)
        log.info("planned", activity=draft.sent.uri, type=draft.sent.type, trace=draft.sent.trace)

    async def _knowledge(self, conn: Connection, plan: BulkPlan, draft: Draft) -> Known:
        known = self._known.get(plan.id)
        if known is None:
            known = self._known[plan.id] = Known(set(), await digests_for(conn, draft))
            if len(self._known) > _PLANS:
                self._known.popitem(last=False)
        return known

    async def _write(
        self,
        conn: Connection,
        draft: Draft,
        page: Sequence[Destination],
        digests: Mapping[str, bytes],
    ) -> None:
        """Record those deliveries that are new, and have their messages wait."""
        if not page:
            return
        new = await delivery_plans.insert_new(conn, [_row(draft, one) for one in page])
        fresh = [one for one in page if one.inbox in new]
        if fresh:
            await bulk.add(conn, messages_of([Page(draft.sent, fresh, last=False, digests=digests)]))

    async def _end(self, conn: Connection, plan: BulkPlan) -> None:
        await bulk.end(conn, plan.id)
        self._failures.pop(plan.id, None)
        self._known.pop(plan.id, None)

    async def _failed(
        self, conn: Connection, plan: BulkPlan, item: AcceptedActivity, error: Exception
    ) -> None:
        """Let others go first; what keeps failing becomes a dead letter, for everybody else's sake."""
        failures = self._failures[plan.id] = self._failures.get(plan.id, 0) + 1
        log.warning("bulk_plan_failed", activity=item.activity.id, failures=failures, error=repr(error)[:200])
        if not isinstance(error, Rejected) and failures < _ATTEMPTS:
            await bulk.note_position(conn, plan.id, plan.position)
            return
        await self._giving_up.give_up(plan.message, error, asyncio.Event(), item.trace)
        await bulk.give_up(conn, plan.id)
        self._failures.pop(plan.id, None)


async def _never(_: Sequence[AcceptedActivity]) -> None:
    """Nothing is handled through here; plans are only given up."""


def _row(draft: Draft, to: Destination) -> Planned:
    return Planned(
        activity_uri=draft.sent.uri,
        inbox=to.inbox,
        host=host_of(to.inbox),
        shared=to.shared,
        created_at=draft.sent.created_at,
    )
