"""Messages that wait for the relay, written in the transaction of what they tell."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from shared.database.pool import Connection

CHANNEL = "heddle_outbox"
"""The NOTIFY channel that wakes the relay."""

_RELAY_LOCK = 0x48_44_4C_4F


class OutboxMessage(Struct, frozen=True, kw_only=True):
    """One message: the queue and one encoded item (`protocol.messages.Codec`), at the earliest from when."""

    queue: str
    payload: bytes
    not_before: datetime | None = None


class OutboxRow(Struct, frozen=True, kw_only=True):
    """A message that is due."""

    id: int
    queue: str
    payload: bytes


async def enqueue(conn: Connection, messages: Sequence[OutboxMessage]) -> None:
    """Have these messages published, in this order, once the caller's transaction commits."""
    if not messages:
        return
    await conn.execute(
        """
        WITH written AS (
            INSERT INTO outbox (queue, payload, not_before)
            SELECT queue, payload, coalesce(not_before, now())
              FROM unnest($1::text[], $2::bytea[], $3::timestamptz[])
                   WITH ORDINALITY AS n (queue, payload, not_before, place)
             ORDER BY place
            RETURNING id
        )
        SELECT pg_notify($4, '') FROM written LIMIT 1
        """,
        [m.queue for m in messages],
        [m.payload for m in messages],
        [m.not_before for m in messages],
        CHANNEL,
    )


async def become_relay(conn: Connection) -> bool:
    """Tell whether this transaction is the relay; while it lasts no other one is, which keeps the order."""
    mine: bool = await conn.fetchval("SELECT pg_try_advisory_xact_lock($1)", _RELAY_LOCK)
    return mine


async def due(conn: Connection, limit: int) -> list[OutboxRow]:
    """Return the oldest messages that are due."""
    rows = await conn.fetch(
        "SELECT id, queue, payload FROM outbox WHERE not_before <= now() ORDER BY id LIMIT $1", limit
    )
    return [OutboxRow(id=row["id"], queue=row["queue"], payload=row["payload"]) for row in rows]


async def note_sent(conn: Connection, message_ids: Sequence[int]) -> None:
    """Take messages that the broker confirmed out of the outbox; a copy is kept for some days."""
    await conn.execute(
        """
        WITH sent AS (DELETE FROM outbox WHERE id = ANY($1::bigint[]) RETURNING id, queue, payload)
        INSERT INTO outbox_sent (id, queue, payload) SELECT id, queue, payload FROM sent ORDER BY id
        """,
        list(message_ids),
    )


async def sent_since(conn: Connection, since: datetime, after: int, limit: int) -> list[OutboxRow]:
    """Return messages published since then whose id is above `after`, in the order of the outbox."""
    rows = await conn.fetch(
        """
        SELECT id, queue, payload FROM outbox_sent
         WHERE id > $2 AND sent_at >= $1 AND day >= ($1::timestamptz AT TIME ZONE 'UTC')::date
         ORDER BY id LIMIT $3
        """,
        since,
        after,
        limit,
    )
    return [OutboxRow(id=row["id"], queue=row["queue"], payload=row["payload"]) for row in rows]


async def count_sent_since(conn: Connection, since: datetime) -> int:
    """Count the messages published since then that are still kept."""
    count: int = await conn.fetchval(
        """
        SELECT count(*) FROM outbox_sent
         WHERE sent_at >= $1 AND day >= ($1::timestamptz AT TIME ZONE 'UTC')::date
        """,
        since,
    )
    return count


async def lag_seconds(conn: Connection) -> float:
    """Return how long the oldest message has been due; 0 where none is."""
    lag: float = await conn.fetchval(
        """
        SELECT coalesce(extract(epoch FROM now() - min(not_before)), 0)::float8
          FROM outbox WHERE not_before <= now()
        """
    )
    return lag
