"""What is to be sent, and where to: recorded before anything of it is published.

A plan that was cut off is made again and changes no row; what was sent of a matter before is found here.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from msgspec import Struct

from shared.database.pool import Connection
from shared.protocol.identifiers import uri_hash


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


NO_PRECEDENT = Precedent(in_bulk=False, in_queues=False)


_PRECEDENT = """
bool_or(s.bulk) IS TRUE AS in_bulk,
bool_or(NOT s.bulk AND s.created_at > now() - interval '1 hour'
        AND (SELECT 1 FROM deliveries d
              WHERE d.activity_hash = s.activity_hash AND d.state = 0 LIMIT 1) IS NOT NULL
) IS TRUE AS in_queues
"""
# Nothing waits in the queues for an hour. An EXISTS would be answered from all that wait, read for it anew.


async def precedent(conn: Connection, subject: str, actor_id: int | None = None) -> Precedent:
    """Return how earlier activities of this subject went out, or all those of an actor."""
    row = await conn.fetchrow(
        f"SELECT {_PRECEDENT} FROM sent_activities s WHERE s.object_hash = $1 OR s.actor_id = $2",  # noqa: S608 - a constant
        uri_hash(subject),
        actor_id,
    )
    return NO_PRECEDENT if row is None else Precedent(**dict(row))


async def precedents(conn: Connection, subjects: Collection[str]) -> dict[str, Precedent]:
    """Return how earlier activities went out, by subject."""
    hashes = {uri_hash(subject): subject for subject in subjects}
    rows = await conn.fetch(
        f"""
        SELECT s.object_hash, {_PRECEDENT} FROM sent_activities s
         WHERE s.object_hash = ANY($1::bytea[]) GROUP BY s.object_hash
        """,  # noqa: S608 - a constant
        list(hashes),
    )
    found = {
        hashes[row["object_hash"]]: Precedent(in_bulk=row["in_bulk"], in_queues=row["in_queues"])
        for row in rows
    }
    return {subject: found.get(subject, NO_PRECEDENT) for subject in subjects}


INSERT_ACTIVITIES = """
INSERT INTO sent_activities
       (activity_hash, activity_uri, type, actor_id, object_hash, body, trace, created_at, bulk)
SELECT t.*, $9 FROM unnest($1::bytea[], $2::text[], $3::text[], $4::bigint[], $5::bytea[],
                           $6::bytea[], $7::text[], $8::timestamptz[]) AS t
    ON CONFLICT DO NOTHING
"""
"""Takes what `activity_columns` returns, and whether they go in bulk."""


async def insert_activities(conn: Connection, sent: Sequence[SentActivity]) -> None:
    """Record activities that are about to be sent; what is recorded already stays as it is."""
    await conn.execute(INSERT_ACTIVITIES, *activity_columns(sent), False)


def activity_columns(sent: Sequence[SentActivity]) -> tuple[Sequence[object], ...]:
    """Return activities column by column, each once."""
    unique = list({one.uri: one for one in sent}.values())
    return (
        [uri_hash(one.uri) for one in unique],
        [one.uri for one in unique],
        [one.type for one in unique],
        [one.actor_id for one in unique],
        [uri_hash(one.subject) for one in unique],
        [one.body for one in unique],
        [one.trace for one in unique],
        [one.created_at for one in unique],
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
