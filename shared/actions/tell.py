"""Activities made here, written to the outbox in the transaction of what they tell."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from shared.database.authors import Author
from shared.database.outbox import OutboxMessage, enqueue
from shared.database.pool import Connection
from shared.protocol.activities import Activity, type_name
from shared.protocol.messages import AcceptedActivity, Codec
from shared.protocol.writer import write_activity
from shared.queue.topology import ACTIVITY_ACCEPTED, FANOUT_PLAN
from shared.telemetry.logging import new_trace

log = structlog.get_logger(__name__)
_codec = Codec(AcceptedActivity)


async def tell(conn: Connection, author: Author, activity: Activity, *, here: bool, away: bool) -> None:
    """Have an activity take effect.

    Args:
        conn: In the transaction that changed the author's side.
        author: Whose activity it is; nothing leaves the site of an account that is not federated.
        activity: With its addresses.
        here: It concerns others on this site.
        away: It concerns others on other sites.
    """
    queues = [ACTIVITY_ACCEPTED] if here else []
    if away and author.federated:
        queues.append(FANOUT_PLAN)
    if queues:
        await _hand_over(conn, activity, queues)


async def tell_as_site(conn: Connection, activity: Activity) -> None:
    """Have an activity of the instance actor sent to other servers."""
    await _hand_over(conn, activity, [FANOUT_PLAN])


async def _hand_over(conn: Connection, activity: Activity, queues: Sequence[str]) -> None:
    body, trace = write_activity(activity), new_trace()
    item = AcceptedActivity(
        activity=activity,
        local=True,
        received_at=datetime.now(UTC),
        trace=trace,
        digest=hashlib.sha256(body).digest()[:16],
        body=body,
    )
    payload = _codec.encode([item])
    log.info("activity_made", trace=trace, activity=activity.id, type=type_name(activity), queues=queues)
    await enqueue(conn, [OutboxMessage(queue=queue, payload=payload) for queue in queues])
