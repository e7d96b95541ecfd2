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


async def delete(conn: Connection, message_ids: Sequence[int]) -> None:
    """Forget messages that the broker confirmed."""
    await conn.execute("DELETE FROM outbox WHERE id = ANY($1::bigint[])", list(message_ids))


async def lag_seconds(conn: Connection) -> float:
    """Return how long the oldest message has been due; 0 where none is."""
    lag: float = await conn.fetchval(
        """
        SELECT coalesce(extract(epoch FROM now() - min(not_before)), 0)::float8
          FROM outbox WHERE not_before <= now()
        """
    )
    return lag
