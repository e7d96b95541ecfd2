"""Trouble made on purpose: dead letters in a real queue, deliveries in every state."""

from collections.abc import Callable
from datetime import UTC, datetime

from shared.database import deliveries, delivery_plans
from shared.database.deliveries import Progress, State
from shared.database.delivery_plans import Planned, SentActivity
from shared.database.pool import Connection
from shared.protocol.errors import Rejected
from shared.protocol.identifiers import host_of
from shared.protocol.messages import Codec, ReceivedRequest
from shared.queue.connection import Broker
from shared.queue.consumer import BatchConsumer
from shared.queue.publisher import Publisher
from shared.queue.topology import INBOX_RECEIVED
from tests.infrastructure import eventually
from tests.integration.console.command_line import ORIGIN

NOW = datetime.now(UTC)


class Unreadable(Rejected):
    """It cannot be read."""

    reason = "unreadable"


def received(number: int) -> ReceivedRequest:
    """Return a request as the receiver queues it."""
    return ReceivedRequest(
        method="POST",
        target="/inbox",
        headers=(),
        body=b'{"type": "Create"}',
        received_at=NOW,
        trace=f"{number:032x}",
        activity_id=f"https://birch.example/activities/{number}",
        activity_type="Create",
        actor="https://birch.example/users/nora",
    )


async def kill_letters(
    broker: Broker,
    count: int,
    *,
    make: Callable[[int], ReceivedRequest] = received,
    detail: str = "no sense in it",
) -> None:
    """Have a consumer give up so many messages."""
    publisher, codec = Publisher(broker), Codec(ReceivedRequest)

    async def refuse(_: object) -> None:
        raise Unreadable(detail)

    await publisher.publish(INBOX_RECEIVED, codec, [make(number) for number in range(count)])
    consumer = BatchConsumer(broker, INBOX_RECEIVED, codec, refuse)
    consumer.start()
    try:
        await eventually(lambda: _dead_count(broker, count), "the messages to be given up")
    finally:
        await consumer.stop()
        await publisher.close()


async def _dead_count(broker: Broker, count: int) -> bool:
    channel = await broker.consuming.channel()
    try:
        queue = await channel.get_queue(f"{INBOX_RECEIVED}.dead")
        return queue.declaration_result.message_count == count
    finally:
        await channel.close()


async def plan(
    database: Connection,
    states: dict[str, State],
    *,
    subject: str = f"{ORIGIN}/objects/1",
    activity: str = f"{ORIGIN}/objects/1/activity",
) -> None:
    """Record an activity and its deliveries in these states, by inbox."""
    sent = SentActivity(
        uri=activity, type="Create", actor_id=1, subject=subject, body=b"{}", trace="c" * 32, created_at=NOW
    )
    await delivery_plans.insert_activities(database, [sent])
    rows = [
        Planned(activity_uri=activity, inbox=inbox, host=host_of(inbox), shared=True, created_at=NOW)
        for inbox in states
    ]
    await delivery_plans.insert_planned(database, rows)
    await delivery_plans.mark_planned(database, [activity])
    reasons = {State.DEAD: "expired", State.PARKED: "answered 503"}
    progress = [
        Progress(activity_uri=activity, inbox=inbox, state=state, reason=reasons.get(state, ""))
        for inbox, state in states.items()
        if state is not State.QUEUED
    ]
    await deliveries.record(database, progress)
