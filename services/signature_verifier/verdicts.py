"""What becomes of a judged request: passed on, sent to the slow lane, tried later, or refused in the open."""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import structlog
from msgspec import Struct

from shared.database import outbox, refusals
from shared.database.outbox import OutboxMessage
from shared.database.pool import Pool, unavailable_when_down
from shared.database.refusals import Refusal
from shared.protocol.activities import type_name
from shared.protocol.errors import Rejected
from shared.protocol.messages import AcceptedActivity, Codec, ReceivedRequest
from shared.queue.publisher import Publisher
from shared.queue.topology import ACTIVITY_ACCEPTED, INBOX_UNRESOLVED
from shared.telemetry import metrics

log = structlog.get_logger(__name__)

STAGE = "verifier"


class Refused(Struct, frozen=True):
    """A request that has no effect, and why."""

    request: ReceivedRequest
    cause: Rejected


class Verdicts:
    """Carries out verdicts.

    Args:
        pool: For refusals and for what is tried later.
        publisher: For what goes on.
    """

    def __init__(self, pool: Pool, publisher: Publisher) -> None:
        self._pool = pool
        self._publisher = publisher
        self._requests = Codec(ReceivedRequest)
        self._activities = Codec(AcceptedActivity)

    async def accept(self, accepted: Sequence[AcceptedActivity]) -> None:
        """Pass activities on to the builder; raises Unavailable."""
        await self._publisher.publish(ACTIVITY_ACCEPTED, self._activities, accepted)
        for kind, number in Counter(type_name(item.activity) for item in accepted).items():
            metrics.activities_accepted.labels(kind).inc(number)
        if log.is_enabled_for(logging.DEBUG):
            for item in accepted:
                log.debug("activity_accepted", trace=item.trace, activity=item.activity.id)

    async def unresolved(self, requests: Sequence[ReceivedRequest]) -> None:
        """Pass requests to the slow lane, each in a message of its own; raises Unavailable."""
        await self._publisher.publish_many(
            [(INBOX_UNRESOLVED, self._requests.encode([request])) for request in requests]
        )

    async def later(self, request: ReceivedRequest, at: datetime) -> None:
        """Have a request come to the slow lane again at this time; raises Unavailable."""
        message = OutboxMessage(
            queue=INBOX_UNRESOLVED, payload=self._requests.encode([request]), not_before=at
        )
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                await outbox.enqueue(conn, [message])

    async def refuse(self, refused: Sequence[Refused]) -> None:
        """Record refusals: a row, a count and a line each; raises Unavailable."""
        if not refused:
            return
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                await refusals.record(conn, [_row(one) for one in refused])
        for one in refused:
            metrics.activities_rejected.labels(one.cause.reason).inc()
            log.info(
                "activity_refused",
                trace=one.request.trace,
                activity=one.request.activity_id,
                actor=one.request.actor,
                reason=one.cause.reason,
                detail=_detail(one.cause),
            )


def _row(refused: Refused) -> Refusal:
    return Refusal(
        activity_uri=refused.request.activity_id,
        actor_uri=refused.request.actor,
        stage=STAGE,
        reason=refused.cause.reason,
        detail=_detail(refused.cause),
        trace=refused.request.trace,
    )


def _detail(cause: Rejected) -> str:
    # Made of what strangers sent: nothing of it may break a row or a line.
    return str(cause)[:300].encode("ascii", "backslashreplace").decode().replace("\0", "")
