"""A model of what the planners know and write: the tables behind the plans, and those who draft and list.

The planners themselves are the real ones, as is what works the bulk of the shard.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Collection, Container, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import cast
from unittest.mock import patch

from services.fanout_deliverer.allowance import BURST, Allowances
from services.fanout_deliverer.bulk_planner import BulkPlanner
from services.fanout_deliverer.bystanders import Bystanders
from services.fanout_deliverer.draft import Draft, Drafting
from services.fanout_deliverer.plan import Audience, audience_of
from services.fanout_deliverer.planner import Planner
from services.fanout_deliverer.precedence import Precedence
from services.fanout_deliverer.recipients import START, Page, Position, Recipients
from shared.database import bulk, delivery_plans
from shared.database.audience import Sender
from shared.database.bulk import BulkMessage, BulkPlan, Look, NewMessage
from shared.database.deliveries import State
from shared.database.delivery_plans import Destination, PlanKnown, Planned, Precedent, SentActivity
from shared.database.pool import Pool
from shared.protocol.activities import type_name
from shared.protocol.identifiers import uri_hash
from shared.protocol.messages import AcceptedActivity, Codec, Delivery, Target
from shared.queue.publisher import Payload, Publisher
from shared.resolution import DomainBlocks
from tests.unit.deliverer.modelled_shard import WHEN, Place

OUTSIDE = "https://loom.example/users/"
"""Where our authors are; the rest of their URIs is their number."""

_codec = Codec(Delivery)
_plans = Codec(AcceptedActivity)


@dataclass
class Row:
    """An activity that was sent, or is about to be."""

    sent: SentActivity
    bulk: bool
    planned: bool = False


@dataclass
class Waiting:
    """A plan that is carried out in bulk."""

    sent: SentActivity
    message: bytes
    position: bytes = b""
    turn: int = 0


@dataclass
class Tables:
    """The statements that the planners and the bulk make, on a model of their tables."""

    place: Place
    rows: dict[str, Row] = field(default_factory=dict)
    plans: dict[int, Waiting] = field(default_factory=dict)
    messages: dict[int, NewMessage] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @contextmanager
    def stand_in(self) -> Iterator[None]:
        """Answer in place of the database for the length of a block."""
        with ExitStack() as stack:
            for module, names in _STATEMENTS.items():
                for name in names:
                    stack.enter_context(patch.object(module, name, getattr(self, name)))
            yield

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator["Tables"]:
        """Stand for the pool: nothing fails here, and what is written is seen at once."""
        await self.place.pause()
        yield self

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Stand for a transaction."""
        yield

    async def publish_many(self, payloads: Sequence[Payload]) -> None:
        """Stand for the broker."""
        await self.place.pause()
        self.place.queue += [tuple(_codec.decode(payload)) for _, payload in payloads]

    async def plans_known(self, _: object, uris: Sequence[str]) -> dict[str, PlanKnown]:
        """Stand for `delivery_plans.plans_known`."""
        waiting = {plan.sent.uri for plan in self.plans.values()}
        return {
            uri: PlanKnown(done=row.planned or (row.bulk and uri in waiting), bulk=row.bulk)
            for uri, row in self.rows.items()
            if uri in uris
        }

    async def precedent(self, _: object, subject: str, __: int | None = None) -> Precedent:
        """Stand for `delivery_plans.precedent`."""
        return self._precedent(subject)

    async def precedents(self, _: object, subjects: Collection[str]) -> dict[str, Precedent]:
        """Stand for `delivery_plans.precedents`."""
        await self.place.pause()
        return {subject: self._precedent(subject) for subject in subjects}

    def _precedent(self, subject: str) -> Precedent:
        rows = [row for row in self.rows.values() if row.sent.subject == subject]
        queued = {key for key, state in self.place.states.items() if state is State.QUEUED}
        in_queues = {uri_hash(row.sent.uri) for row in rows if not row.bulk} & {key[0] for key in queued}
        return Precedent(in_bulk=any(row.bulk for row in rows), in_queues=bool(in_queues))

    async def insert_activities(self, _: object, sent: Sequence[SentActivity]) -> None:
        """Stand for `delivery_plans.insert_activities`."""
        for one in sent:
            self.rows.setdefault(one.uri, Row(one, bulk=False))

    async def insert_planned(self, _: object, rows: Sequence[Planned]) -> None:
        """Stand for `delivery_plans.insert_planned`."""
        await self.insert_new(_, rows)

    async def insert_new(self, _: object, rows: Sequence[Planned]) -> set[str]:
        """Stand for `delivery_plans.insert_new`."""
        new = {row.inbox for row in rows if self.place.plan(*self._delivery(row))}
        await self.place.pause()
        return new

    def _delivery(self, row: Planned) -> tuple[Delivery, Target]:
        sent, target = self.rows[row.activity_uri].sent, Target(inbox=row.inbox, shared=row.shared)
        delivery = Delivery(
            activity_id=sent.uri,
            activity_type=sent.type,
            actor_id=sent.actor_id,
            body=sent.body,
            targets=(target,),
            created_at=sent.created_at,
            trace=sent.trace,
        )
        return delivery, target

    async def mark_planned(self, _: object, uris: Sequence[str]) -> None:
        """Stand for `delivery_plans.mark_planned`."""
        for uri in uris:
            self.rows[uri].planned = True

    async def begin(self, _: object, left: Sequence[tuple[SentActivity, bytes]]) -> None:
        """Stand for `bulk.begin`."""
        await self.place.pause()
        for sent, message in left:
            row = self.rows.setdefault(sent.uri, Row(sent, bulk=True))
            waiting = {plan.sent.uri for plan in self.plans.values()}
            if row.bulk and not row.planned and sent.uri not in waiting:
                self.plans[next(self.numbers)] = Waiting(sent, message)

    async def lock_next_plan(self, _: object) -> BulkPlan | None:
        """Stand for `bulk.lock_next_plan`; one process plans at a time."""
        oldest: dict[int, int] = {}
        for number in sorted(self.plans):
            oldest.setdefault(self.plans[number].sent.actor_id, number)
        if not oldest:
            return None
        number = min(oldest.values(), key=lambda one: (self.plans[one].turn, one))
        plan = self.plans[number]
        return BulkPlan(id=number, message=plan.message, position=plan.position)

    async def note_position(self, _: object, number: int, position: bytes) -> None:
        """Stand for `bulk.note_position`."""
        self.plans[number].position, self.plans[number].turn = position, next(self.numbers)

    async def end(self, _: object, number: int) -> None:
        """Stand for `bulk.end`."""
        self.rows[self.plans.pop(number).sent.uri].planned = True

    async def add(self, _: object, messages: Sequence[NewMessage]) -> None:
        """Stand for `bulk.add`."""
        self.messages |= {next(self.numbers): message for message in messages}

    async def next_messages(
        self, _: object, looks: Sequence[Look], limit: int
    ) -> dict[int, list[BulkMessage]]:
        """Stand for `bulk.next_messages`."""
        await self.place.pause()
        in_hand = {number for look in looks for number in look.in_hand}
        ranked, turns = list[tuple[int, int]](), dict[int, int]()
        for number in sorted(self.messages):
            author = self.messages[number].actor_id
            turns[author] = turns.get(author, 0) + 1
            if number not in in_hand:
                ranked.append((turns[author], number))
        found: dict[int, list[BulkMessage]] = {}
        for _turn, number in sorted(ranked)[:limit]:
            one = self.messages[number]
            message = BulkMessage(id=number, targets=one.targets, payload=one.payload)
            found.setdefault(one.shard, []).append(message)
        await self.place.pause()
        return found

    async def settle(self, _: object, numbers: Sequence[int]) -> None:
        """Stand for `bulk.settle`."""
        await self.place.pause()
        for number in numbers:
            self.messages.pop(number, None)


_STATEMENTS = {
    delivery_plans: (
        "plans_known",
        "precedent",
        "precedents",
        "insert_activities",
        "insert_planned",
        "insert_new",
        "mark_planned",
    ),
    bulk: ("begin", "lock_next_plan", "note_position", "end", "add", "next_messages", "settle"),
}


@dataclass
class Around:
    """Who drafts, lists and allows, for the planners.

    `inboxes` are those of everybody's followers, a page each; `shares` says of one activity after the other
    whether its author has nothing left, too little for it, or enough.
    """

    inboxes: Sequence[str]
    shares: list[str]
    share: str = "enough"

    async def drafts(self, _: object, items: Sequence[AcceptedActivity]) -> list[Draft | None]:
        """Stand for `Drafting`."""
        return [self._draft(item) for item in items]

    def _draft(self, item: AcceptedActivity) -> Draft:
        uri, activity = item.activity.actor, item.activity
        sender = Sender(
            id=int(uri.removeprefix(OUTSIDE)),
            uri=uri,
            followers_uri=f"{uri}/followers",
            federated=True,
            active=True,
        )
        reach = audience_of(activity, sender.followers_uri)
        sent = SentActivity(
            uri=activity.id,
            type=type_name(activity),
            actor_id=sender.id,
            subject=reach.subject,
            body=b"{}",
            trace="",
            created_at=WHEN,
        )
        return Draft(sent, sender, reach)

    async def page(
        self, _: object, __: Sender, ___: Audience, at: Position, seen: Container[str] = ()
    ) -> Page:
        """Stand for `Recipients`."""
        number = 0 if at == START else at.below
        following = Position(below=number + 1) if number + 1 < len(self.inboxes) else None
        inbox = self.inboxes[number]
        return [] if inbox in seen else [Destination(inbox=inbox, shared=True)], following

    def is_spent(self, _: int) -> bool:
        """Stand for `Allowances`."""
        self.share = self.shares.pop() if self.shares else "enough"
        return self.share == "spent"

    def left(self, _: int) -> int:
        """Stand for `Allowances`."""
        return 0 if self.share == "little" else BURST

    def take(self, _: int, __: int) -> None:
        """Stand for `Allowances`."""

    async def refresh(self) -> None:
        """Stand for `DomainBlocks`."""


@dataclass
class Planners:
    """The planner of the queue and the one of the bulk."""

    queue: Planner
    bulk: BulkPlanner


def planners(tables: Tables, around: Around) -> Planners:
    """Return the real ones, on these tables."""
    pool, publisher = cast("Pool", tables), cast("Publisher", tables)
    drafting, recipients = cast("Drafting", around), cast("Recipients", around)
    blocks = cast("DomainBlocks", around)
    in_bulk = BulkPlanner(
        pool=pool,
        publisher=publisher,
        drafting=drafting,
        recipients=recipients,
        blocks=blocks,
        precedence=Precedence(),
        bystanders=Bystanders(),
        added=asyncio.Event(),
    )
    in_queue = Planner(
        pool=pool,
        publisher=publisher,
        drafting=drafting,
        recipients=recipients,
        blocks=blocks,
        precedence=Precedence(),
        bulk_begun=in_bulk.begun,
        allowances=cast("Allowances", around),
    )
    return Planners(in_queue, in_bulk)
