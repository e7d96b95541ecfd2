"""Where our activities went and how each delivery stands, for people who ask."""

from datetime import datetime

from asyncpg import Record
from msgspec import Struct

from shared.database.deliveries import State
from shared.database.pool import Connection
from shared.protocol.identifiers import uri_hash


class SentReport(Struct, frozen=True, kw_only=True):
    """An activity that was sent; `planned_at` is empty while its recipients are still being listed."""

    activity_uri: str
    type: str
    trace: str
    created_at: datetime
    planned_at: datetime | None


class DeliveryReport(Struct, frozen=True, kw_only=True):
    """One delivery: where to, how often it was tried, and what came of it."""

    activity_uri: str
    activity_type: str
    host: str
    inbox: str
    shared: bool
    state: State
    attempts: int
    status: int | None
    reason: str
    next_try_at: datetime | None
    created_at: datetime
    updated_at: datetime


_SENT = "SELECT activity_uri, type, trace, created_at, planned_at FROM sent_activities s"

_DELIVERIES = """
SELECT s.activity_uri, s.type AS activity_type, d.host, d.inbox, d.shared, d.state, d.attempts, d.status,
       d.reason, CASE WHEN d.state = 2 THEN greatest(d.next_try_at, h.next_try_at) END AS next_try_at,
       d.created_at, d.updated_at
  FROM deliveries d
  JOIN sent_activities s USING (activity_hash)
  LEFT JOIN hosts h ON h.host = d.host
"""


def report_of(row: Record) -> DeliveryReport:
    """Return the report in a row of deliveries."""
    return DeliveryReport(**{**dict(row), "state": State(row["state"])})


async def sent_about(conn: Connection, object_uri: str) -> list[SentReport]:
    """Return every activity that was sent about an object, oldest first."""
    rows = await conn.fetch(f"{_SENT} WHERE s.object_hash = $1 ORDER BY created_at", uri_hash(object_uri))
    return [SentReport(**dict(row)) for row in rows]


async def sent_activity(conn: Connection, activity_uri: str) -> SentReport | None:
    """Return an activity of ours if it was sent anywhere."""
    row = await conn.fetchrow(f"{_SENT} WHERE s.activity_hash = $1", uri_hash(activity_uri))
    return None if row is None else SentReport(**dict(row))


async def deliveries_about(conn: Connection, object_uri: str) -> list[DeliveryReport]:
    """Return every delivery of what was sent about an object, by activity and host."""
    rows = await conn.fetch(
        f"{_DELIVERIES} WHERE s.object_hash = $1 ORDER BY s.created_at, d.host, d.inbox", uri_hash(object_uri)
    )
    return [report_of(row) for row in rows]


async def deliveries_of(conn: Connection, activity_uri: str) -> list[DeliveryReport]:
    """Return every delivery of one activity, by host."""
    rows = await conn.fetch(
        f"{_DELIVERIES} WHERE s.activity_hash = $1 ORDER BY d.host, d.inbox", uri_hash(activity_uri)
    )
    return [report_of(row) for row in rows]


async def dead_deliveries(conn: Connection, *, host: str = "", limit: int) -> list[DeliveryReport]:
    """Return deliveries that were given up, the latest first; all hosts unless one is named."""
    rows = await conn.fetch(
        f"{_DELIVERIES} WHERE d.state = 3 AND ($1 = '' OR d.host = $1) ORDER BY d.updated_at DESC LIMIT $2",
        host,
        limit,
    )
    return [report_of(row) for row in rows]


async def revive(conn: Connection, *, host: str = "", limit: int) -> int:
    """Park given-up deliveries again, to be tried at once and for the full time; return how many."""
    rows = await conn.fetch(
        """
        WITH chosen AS (
            SELECT activity_hash, inbox FROM deliveries
             WHERE state = 3 AND ($1 = '' OR host = $1)
             ORDER BY created_at LIMIT $2
               FOR UPDATE SKIP LOCKED
        ), revived AS (
            UPDATE deliveries d SET state = 2, next_try_at = now(), created_at = now(), updated_at = now()
              FROM chosen c WHERE d.activity_hash = c.activity_hash AND d.inbox = c.inbox
            RETURNING d.host
        ), watched AS (
            INSERT INTO hosts AS h (host, next_try_at)
            SELECT DISTINCT host, now() FROM revived
                ON CONFLICT (host) DO UPDATE SET next_try_at = now()
        )
        SELECT host FROM revived
        """,
        host,
        limit,
    )
    return len(rows)


class OwnPost(Struct, frozen=True, kw_only=True):
    """A post or boost of a local author; `deleted_at` once only its tombstone is left."""

    id: int
    uri: str
    deleted_at: datetime | None


class Sum(Struct, frozen=True, kw_only=True):
    """How many deliveries of an activity are in which state."""

    sent: SentReport
    states: dict[State, int]


async def own_post(conn: Connection, status_id: int, actor_id: int) -> OwnPost | None:
    """Return a post or boost if it is this local author's."""
    row = await conn.fetchrow(
        "SELECT id, uri, deleted_at FROM statuses WHERE id = $1 AND actor_id = $2 AND local",
        status_id,
        actor_id,
    )
    return None if row is None else OwnPost(**dict(row))


async def sums_about(conn: Connection, object_uri: str) -> list[Sum]:
    """Return every activity that was sent about an object with its sums, oldest first."""
    sent = await sent_about(conn, object_uri)
    rows = await conn.fetch(
        """
        SELECT s.activity_uri, d.state, count(*) AS count
          FROM sent_activities s JOIN deliveries d USING (activity_hash)
         WHERE s.object_hash = $1 GROUP BY 1, 2
        """,
        uri_hash(object_uri),
    )
    return [
        Sum(
            sent=one,
            states={
                State(row["state"]): row["count"] for row in rows if row["activity_uri"] == one.activity_uri
            },
        )
        for one in sent
    ]


async def some_about(
    conn: Connection, object_uri: str, *, types: list[str], state: State | None, host: str, limit: int
) -> list[DeliveryReport]:
    """Return deliveries of what was sent about an object, those in trouble first.

    Args:
        conn: The database.
        object_uri: The object.
        types: Types of activities; all where empty.
        state: Only those in this state.
        host: Only those to this host; all where empty.
        limit: At most so many.
    """
    rows = await conn.fetch(
        f"""{_DELIVERIES}
         WHERE s.object_hash = $1 AND ($2::text[] = '{{}}' OR s.type = ANY($2))
           AND ($3::smallint IS NULL OR d.state = $3) AND ($4 = '' OR d.host = lower($4))
         ORDER BY array_position(ARRAY[2, 3, 0, 4, 1], d.state::integer), d.host, d.inbox, s.created_at
         LIMIT $5
        """,
        uri_hash(object_uri),
        types,
        state,
        host,
        limit,
    )
    return [report_of(row) for row in rows]


async def retry(conn: Connection, object_uri: str) -> int:
    """Make due now what is parked or given up of an object's deliveries; return how many that were.

    Paused hosts stay so, and a host that failed within the last minute keeps its time: nobody can have a
    server knocked at over and over.
    """
    rows = await conn.fetch(
        """
        WITH due AS (
            UPDATE deliveries d SET state = 2, next_try_at = now(), updated_at = now(),
                   created_at = CASE WHEN d.state = 3 THEN now() ELSE d.created_at END
              FROM sent_activities s
             WHERE s.object_hash = $1 AND d.activity_hash = s.activity_hash AND d.state IN (2, 3)
            RETURNING d.host
        ), watched AS (
            INSERT INTO hosts AS h (host, next_try_at)
            SELECT DISTINCT host, now() FROM due
                ON CONFLICT (host) DO UPDATE SET next_try_at = now()
             WHERE h.next_try_at IS NULL OR h.failures = 0 OR h.last_failure_at < now() - interval '1 minute'
        )
        SELECT host FROM due
        """,
        uri_hash(object_uri),
    )
    return len(rows)
