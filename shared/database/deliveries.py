"""What was planned to be sent, where to, and how each of it went.

One row of `sent_activities` for each activity, one of `deliveries` for each inbox: the states always sum
to the plan. What is settled for long is let go (`retention.py`).
"""

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum

from msgspec import Struct

from shared.database.pool import Connection
from shared.protocol.identifiers import uri_hash


class State(IntEnum):
    """Where a delivery stands; superseded is what a newer one made pointless before it could be sent."""

    QUEUED = 0
    DELIVERED = 1
    PARKED = 2
    DEAD = 3
    SUPERSEDED = 4


class SentActivity(Struct, frozen=True, kw_only=True):
    """An activity of ours as it goes out; `subject` is the URI of what it tells of."""

    uri: str
    type: str
    actor_id: int
    subject: str
    body: bytes
    trace: str
    created_at: datetime


class Destination(Struct, frozen=True, kw_only=True):
    """An inbox of a remote host, its shared one or somebody's own."""

    inbox: str
    shared: bool


class Planned(Struct, frozen=True, kw_only=True):
    """One activity for one inbox."""

    activity_uri: str
    inbox: str
    host: str
    shared: bool
    created_at: datetime


class Progress(Struct, frozen=True, kw_only=True):
    """What became of one delivery; `tried` unless it was put aside without a request.

    A parked one waits until `next_try_at`, and at least as long as its host is held.
    """

    activity_uri: str
    inbox: str
    state: State
    tried: bool = True
    status: int | None = None
    reason: str = ""
    next_try_at: datetime | None = None


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


class PlanKnown(Struct, frozen=True, kw_only=True):
    """A plan that was begun before; `done` where it is carried out, or is being carried out in bulk."""

    done: bool
    bulk: bool


async def plans_known(conn: Connection, activity_uris: Sequence[str]) -> dict[str, PlanKnown]:
    """Return those of these activities whose plan was begun before."""
    rows = await conn.fetch(
        """
        SELECT activity_uri, bulk, planned_at IS NOT NULL OR bulk AND EXISTS (
                   SELECT FROM bulk_plans p WHERE p.activity_hash = s.activity_hash) AS done
          FROM sent_activities s WHERE activity_hash = ANY($1::bytea[])
        """,
        [uri_hash(uri) for uri in activity_uris],
    )
    return {row["activity_uri"]: PlanKnown(done=row["done"], bulk=row["bulk"]) for row in rows}


class Precedent(Struct, frozen=True, kw_only=True):
    """How earlier activities went out: some of them in bulk, some of them waiting in the queues still."""

    in_bulk: bool
    in_queues: bool


async def precedent(conn: Connection, subject: str, actor_id: int | None = None) -> Precedent:
    """Return how earlier activities of this subject went out, or all those of an actor.

    Nothing waits in the queues for an hour.
    """
    row = await conn.fetchrow(
        """
        SELECT bool_or(s.bulk) IS TRUE AS in_bulk,
               bool_or(NOT s.bulk AND s.created_at > now() - interval '1 hour'
                       AND EXISTS (SELECT FROM deliveries d
                                    WHERE d.activity_hash = s.activity_hash AND d.state = 0)
               ) IS TRUE AS in_queues
          FROM sent_activities s WHERE s.object_hash = $1 OR s.actor_id = $2
        """,
        uri_hash(subject),
        actor_id,
    )
    return Precedent(in_bulk=False, in_queues=False) if row is None else Precedent(**dict(row))


async def insert_activities(conn: Connection, sent: Sequence[SentActivity], *, bulk: bool = False) -> None:
    """Record activities that are about to be sent; what is recorded already stays as it is."""
    unique = list({one.uri: one for one in sent}.values())
    await conn.execute(
        """
        INSERT INTO sent_activities
               (activity_hash, activity_uri, type, actor_id, object_hash, body, trace, created_at, bulk)
        SELECT t.*, $9 FROM unnest($1::bytea[], $2::text[], $3::text[], $4::bigint[], $5::bytea[],
                                   $6::bytea[], $7::text[], $8::timestamptz[]) AS t
            ON CONFLICT DO NOTHING
        """,
        [uri_hash(one.uri) for one in unique],
        [one.uri for one in unique],
        [one.type for one in unique],
        [one.actor_id for one in unique],
        [uri_hash(one.subject) for one in unique],
        [one.body for one in unique],
        [one.trace for one in unique],
        [one.created_at for one in unique],
        bulk,
    )


_INSERT = """
INSERT INTO deliveries (activity_hash, inbox, host, shared, state, created_at)
SELECT activity_hash, inbox, host, shared, 0, created_at
  FROM unnest($1::bytea[], $2::text[], $3::text[], $4::boolean[], $5::timestamptz[])
       AS t (activity_hash, inbox, host, shared, created_at)
    ON CONFLICT DO NOTHING
"""


async def insert_planned(conn: Connection, rows: Sequence[Planned]) -> None:
    """Record where activities go; what is recorded already stays as it is."""
    await conn.execute(_INSERT, *_columns(rows))


async def insert_new(conn: Connection, rows: Sequence[Planned]) -> set[str]:
    """Record where one activity goes; return the inboxes that were not recorded before."""
    new = await conn.fetch(f"{_INSERT} RETURNING inbox", *_columns(rows))
    return {row["inbox"] for row in new}


def _columns(rows: Sequence[Planned]) -> tuple[Sequence[object], ...]:
    return (
        [uri_hash(row.activity_uri) for row in rows],
        [row.inbox for row in rows],
        [row.host for row in rows],
        [row.shared for row in rows],
        [row.created_at for row in rows],
    )


async def mark_planned(conn: Connection, activity_uris: Sequence[str]) -> None:
    """Record that every delivery of these activities has been handed to the broker."""
    await conn.execute(
        "UPDATE sent_activities SET planned_at = now() WHERE activity_hash = ANY($1::bytea[])",
        [uri_hash(uri) for uri in activity_uris],
    )


async def receivers_of_subject(conn: Connection, subject: str, above: str, limit: int) -> list[Destination]:
    """Return inboxes that were sent anything about this object, by name, from above a name on."""
    return await _receivers(
        conn,
        "s.object_hash = $1",
        "SELECT unnest(inboxes) AS inbox_id FROM told_of_objects WHERE object_hash = $1",
        (uri_hash(subject), above, limit),
    )


async def receivers_of_actor(conn: Connection, actor_id: int, above: str, limit: int) -> list[Destination]:
    """Return inboxes that were sent anything by this account, by name, from above a name on."""
    return await _receivers(
        conn,
        "s.actor_id = $1",
        "SELECT inbox_id FROM told_by_actors WHERE actor_id = $1",
        (actor_id, above, limit),
    )


async def _receivers(
    conn: Connection, condition: str, let_go: str, arguments: tuple[object, str, int]
) -> list[Destination]:
    """Return receivers of deliveries that are recorded, and of those that were let go (`retention.py`).

    Of each activity only as many as a page may need are read.
    """
    rows = await conn.fetch(
        f"""
        SELECT DISTINCT ON (inbox) inbox, shared FROM (
            (SELECT d.inbox, d.shared
               FROM sent_activities s
              CROSS JOIN LATERAL (
                     SELECT inbox, shared FROM deliveries
                      WHERE activity_hash = s.activity_hash AND inbox > $2 ORDER BY inbox LIMIT $3) AS d
              WHERE {condition})
            UNION ALL
            (SELECT i.inbox, i.shared FROM ({let_go}) AS told JOIN told_inboxes i ON i.id = told.inbox_id
              WHERE i.inbox > $2 ORDER BY i.inbox LIMIT $3)) AS either
         ORDER BY inbox LIMIT $3
        """,  # noqa: S608 - constants
        *arguments,
    )
    return [Destination(inbox=row["inbox"], shared=row["shared"]) for row in rows]


async def settled(
    conn: Connection, keys: Sequence[tuple[bytes, str]], released: Sequence[bool]
) -> set[tuple[bytes, str]]:
    """Return those of these (hash of the activity, inbox) that are not to be sent by these messages.

    They are delivered, dead or superseded; or parked, and the message is not the one that released them:
    then it is a second copy, and a later activity may have passed since.
    """
    rows = await conn.fetch(
        """
        SELECT d.activity_hash, d.inbox
          FROM unnest($1::bytea[], $2::text[], $3::boolean[]) AS k (activity_hash, inbox, released)
          JOIN deliveries d USING (activity_hash, inbox)
         WHERE d.state IN (1, 3, 4) OR (d.state = 2 AND NOT k.released)
        """,
        [activity_hash for activity_hash, _ in keys],
        [inbox for _, inbox in keys],
        released,
    )
    return {(row["activity_hash"], row["inbox"]) for row in rows}


_FEW = 8
"""Outcomes of one kind that are not worth a statement of their own."""


async def record(conn: Connection, progress: Sequence[Progress]) -> None:
    """Record outcomes; what is delivered stays delivered, whatever a late copy brings.

    Most are the same, a delivery with the same answer: these travel without a column for each part.
    """
    kinds: dict[_Kind, list[Progress]] = {}
    for one in progress:
        kinds.setdefault((one.state, one.tried, one.status, one.reason, one.next_try_at), []).append(one)
    various: list[Progress] = []
    for kind, alike in kinds.items():
        if len(alike) < _FEW:
            various += alike
        else:
            await _record_alike(conn, kind, alike)
    if various:
        await _record_various(conn, various)


_Kind = tuple[State, bool, int | None, str, datetime | None]


async def _record_alike(conn: Connection, kind: _Kind, progress: Sequence[Progress]) -> None:
    state, tried, status, reason, next_try_at = kind
    await conn.execute(
        """
        UPDATE deliveries AS d
           SET state = $3, attempts = d.attempts + $4, status = COALESCE($5, d.status),
               reason = $6, next_try_at = $7, updated_at = now()
          FROM unnest($1::bytea[], $2::text[]) AS t (activity_hash, inbox)
         WHERE d.activity_hash = t.activity_hash AND d.inbox = t.inbox
           AND (d.state NOT IN (1, 4) OR (d.state = 4 AND $3 = 1))
        """,
        [uri_hash(one.activity_uri) for one in progress],
        [one.inbox for one in progress],
        state,
        int(tried),
        status,
        reason,
        next_try_at,
    )


async def _record_various(conn: Connection, progress: Sequence[Progress]) -> None:
    await conn.execute(
        """
        UPDATE deliveries AS d
           SET state = t.state, attempts = d.attempts + t.tried, status = COALESCE(t.status, d.status),
               reason = t.reason, next_try_at = t.next_try_at, updated_at = now()
          FROM unnest($1::bytea[], $2::text[], $3::smallint[], $4::integer[], $5::smallint[], $6::text[],
                      $7::timestamptz[])
               AS t (activity_hash, inbox, state, tried, status, reason, next_try_at)
         WHERE d.activity_hash = t.activity_hash AND d.inbox = t.inbox
           AND (d.state NOT IN (1, 4) OR (d.state = 4 AND t.state = 1))
        """,
        [uri_hash(one.activity_uri) for one in progress],
        [one.inbox for one in progress],
        [one.state for one in progress],
        [int(one.tried) for one in progress],
        [one.status for one in progress],
        [one.reason for one in progress],
        [one.next_try_at for one in progress],
    )


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
