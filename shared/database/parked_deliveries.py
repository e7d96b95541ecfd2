"""Deliveries that wait for their host, and those that are said to be on their way in a queue."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from shared.database.pool import Connection
from shared.protocol.identifiers import uri_hash


class Parked(Struct, frozen=True, kw_only=True):
    """A parked delivery with all that it takes to send it."""

    activity_uri: str
    type: str
    actor_id: int
    body: bytes
    trace: str
    created_at: datetime
    host: str
    inbox: str
    shared: bool
    attempts: int


async def lock_parked(conn: Connection, host: str, now: datetime, limit: int) -> list[Parked]:
    """Lock and return the parked deliveries of a host that are due, oldest first."""
    rows = await conn.fetch(
        """
        SELECT s.activity_uri, s.type, s.actor_id, s.body, s.trace,
               d.created_at, d.host, d.inbox, d.shared, d.attempts
          FROM deliveries d JOIN sent_activities s USING (activity_hash)
         WHERE d.host = $1 AND d.state = 2 AND (d.next_try_at IS NULL OR d.next_try_at <= $2)
         ORDER BY d.created_at LIMIT $3
           FOR UPDATE OF d SKIP LOCKED
        """,
        host,
        now,
        limit,
    )
    return [Parked(**dict(row)) for row in rows]


async def mark_queued(conn: Connection, parked: Sequence[Parked]) -> None:
    """Record that parked deliveries are in their queue again."""
    await conn.execute(
        """
        UPDATE deliveries AS d SET state = 0, next_try_at = NULL, updated_at = now()
          FROM unnest($1::bytea[], $2::text[]) AS t (activity_hash, inbox)
         WHERE d.activity_hash = t.activity_hash AND d.inbox = t.inbox
        """,
        [uri_hash(one.activity_uri) for one in parked],
        [one.inbox for one in parked],
    )


async def expire(conn: Connection, host: str, created_before: datetime) -> int:
    """Give up what is parked for a host for too long; return how many that were."""
    status = await conn.execute(
        """
        UPDATE deliveries AS d
           SET state = 3, reason = 'expired: ' || d.reason, next_try_at = NULL, updated_at = now()
          FROM (SELECT activity_hash, inbox FROM deliveries
                 WHERE host = $1 AND state = 2 AND created_at < $2
                   FOR UPDATE SKIP LOCKED) AS old
         WHERE d.activity_hash = old.activity_hash AND d.inbox = old.inbox
        """,
        host,
        created_before,
    )
    return int(status.rpartition(" ")[2])


async def any_queued(conn: Connection, keys: Sequence[tuple[bytes, str]]) -> bool:
    """Tell whether any of these (hash of the activity, inbox) is on its way still."""
    found: bool = await conn.fetchval(
        """
        SELECT EXISTS (SELECT FROM unnest($1::bytea[], $2::text[]) AS k (activity_hash, inbox)
                         JOIN deliveries d USING (activity_hash, inbox) WHERE d.state = 0)
        """,
        [activity_hash for activity_hash, _ in keys],
        [inbox for _, inbox in keys],
    )
    return found


async def next_due(conn: Connection, host: str) -> datetime | None:
    """Return when the next parked delivery of a host is due; nothing where none is parked."""
    moment: datetime | None = await conn.fetchval(
        "SELECT min(COALESCE(next_try_at, created_at)) FROM deliveries WHERE host = $1 AND state = 2", host
    )
    return moment


async def count_parked(conn: Connection) -> int:
    """Count the parked deliveries of all hosts."""
    count: int = await conn.fetchval("SELECT count(*) FROM deliveries WHERE state = 2")
    return count


async def count_queued(conn: Connection) -> int:
    """Count the deliveries that are said to be in a queue of the broker."""
    count: int = await conn.fetchval("SELECT count(*) FROM deliveries WHERE state = 0")
    return count


async def park_queued(conn: Connection, reason: str, planned_before: datetime) -> int:
    """Park what is said to be in a queue, due at once, where the queue lost it; return how many.

    What was planned later than that and not to its end is left out: its plan will be made again.
    """
    count: int = await conn.fetchval(
        """
        WITH parked AS (
            UPDATE deliveries AS d SET state = 2, reason = $1, next_try_at = now(), updated_at = now()
              FROM sent_activities s
             WHERE d.state = 0 AND s.activity_hash = d.activity_hash
               AND (s.planned_at IS NOT NULL OR s.created_at < $2)
            RETURNING d.host
        ), watched AS (
            INSERT INTO hosts AS h (host, next_try_at)
            SELECT DISTINCT host, now() FROM parked ORDER BY host
                ON CONFLICT (host) DO UPDATE SET next_try_at = EXCLUDED.next_try_at
             WHERE h.next_try_at IS NULL OR (h.failures = 0 AND h.next_try_at > EXCLUDED.next_try_at)
        )
        SELECT count(*) FROM parked
        """,
        reason,
        planned_before,
    )
    return count
