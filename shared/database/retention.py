"""Deliveries that are settled for long are let go; who was told of what stays known, for its Delete.

What goes is folded before: of each object the inboxes that were told of it, as numbers in one row, and of
each actor those that were told anything. `delivery_plans.receivers_of_*` read both.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from shared.database.pool import Connection, Pool
from shared.protocol.identifiers import uri_hash

ACTIVITIES = 100
DELIVERIES = 2000
"""Of one transaction, so that it is short."""

FROM_THE_FIRST = datetime(1970, 1, 1, tzinfo=UTC)

_TAKES_BACK = "type IN ('Delete', 'Undo')"

_DUE = f"""
FROM sent_activities s
 WHERE s.created_at < now() - $1::interval
   AND (s.created_at < now() - $2::interval OR NOT {_TAKES_BACK})
   AND NOT EXISTS (SELECT FROM deliveries d WHERE d.activity_hash = s.activity_hash AND d.state IN (0, 2))
   AND NOT EXISTS (SELECT FROM bulk_plans p WHERE p.activity_hash = s.activity_hash)
"""  # noqa: S608 - a constant
"""Of activities those that may go: old enough, and nothing of them waits or is being planned."""


class Kept(Struct, frozen=True, kw_only=True):
    """How long it is kept how deliveries went; `receipts` of what takes something back."""

    deliveries: timedelta = timedelta(days=30)
    receipts: timedelta = timedelta(days=365)

    @classmethod
    def for_days(cls, deliveries: int, receipts: int) -> "Kept":
        """Return that in days."""
        return cls(deliveries=timedelta(days=deliveries), receipts=timedelta(days=receipts))


class LetGo(Struct, frozen=True, kw_only=True):
    """How many activities and deliveries went, or could go."""

    activities: int = 0
    deliveries: int = 0

    def __add__(self, other: "LetGo") -> "LetGo":
        return LetGo(
            activities=self.activities + other.activities, deliveries=self.deliveries + other.deliveries
        )


class Settled(Struct, frozen=True):
    """An activity that may go."""

    activity_hash: bytes
    created_at: datetime


async def count_due(conn: Connection, kept: Kept) -> LetGo:
    """Count what may go."""
    row = await conn.fetchrow(
        f"""
        WITH due AS (SELECT s.activity_hash {_DUE})
        SELECT (SELECT count(*) FROM due) AS activities,
               (SELECT count(*) FROM due JOIN deliveries USING (activity_hash)) AS deliveries
        """,  # noqa: S608 - a constant
        kept.deliveries,
        kept.receipts,
    )
    return LetGo(**dict(row or {}))


async def lock_due(conn: Connection, kept: Kept, above: datetime, limit: int) -> list[Settled]:
    """Lock and return the oldest activities that may go, from a moment on; another process takes others."""
    rows = await conn.fetch(
        f"""
        SELECT s.activity_hash, s.created_at {_DUE} AND s.created_at >= $3
         ORDER BY s.created_at, s.activity_hash LIMIT $4
           FOR UPDATE OF s SKIP LOCKED
        """,
        kept.deliveries,
        kept.receipts,
        above,
        limit,
    )
    return [Settled(row["activity_hash"], row["created_at"]) for row in rows]


async def let_go(conn: Connection, activities: Sequence[bytes], most: int) -> LetGo:
    """Delete so many deliveries of these activities, and those activities of which none is left.

    To be called in a transaction: whom they went to is written down in it. What somebody has tried again
    meanwhile stays.
    """
    gone = await conn.fetch(
        """
        WITH doomed AS (
            SELECT activity_hash, inbox FROM deliveries
             WHERE activity_hash = ANY($1::bytea[]) AND state NOT IN (0, 2)
             ORDER BY activity_hash, inbox LIMIT $2)
        DELETE FROM deliveries d USING doomed
         WHERE d.activity_hash = doomed.activity_hash AND d.inbox = doomed.inbox AND d.state NOT IN (0, 2)
        RETURNING d.activity_hash, d.inbox, d.shared
        """,
        list(activities),
        most,
    )
    if gone:
        columns = [row["activity_hash"] for row in gone], [row["inbox"] for row in gone]
        await _name(conn, columns[1], [row["shared"] for row in gone])
        await _fold_by_object(conn, *columns)
        await _fold_by_actor(conn, *columns)
    return LetGo(activities=await _forget_empty(conn, activities), deliveries=len(gone))


async def let_go_of_some(pool: Pool, kept: Kept, above: datetime) -> tuple[LetGo, datetime | None]:
    """Let go of as much as one small transaction holds; return that, and where to go on, None at the end."""
    async with pool.acquire() as conn, conn.transaction():
        due = await lock_due(conn, kept, above, ACTIVITIES)
        if not due:
            return LetGo(), None
        gone = await let_go(conn, [one.activity_hash for one in due], DELIVERIES)
    # What did not fit is found again; what is left of a moment that many share is, too.
    return gone, due[0].created_at


async def _name(conn: Connection, inboxes: Sequence[str], shared: Sequence[bool]) -> None:
    """Give numbers to those of these inboxes that have none."""
    await conn.execute(
        """
        INSERT INTO told_inboxes (inbox, shared)
        SELECT DISTINCT ON (inbox) inbox, shared FROM unnest($1::text[], $2::boolean[]) AS t (inbox, shared)
         WHERE NOT EXISTS (SELECT FROM told_inboxes i WHERE i.inbox = t.inbox)
         ORDER BY inbox
            ON CONFLICT DO NOTHING
        """,
        inboxes,
        shared,
    )


async def _fold_by_object(conn: Connection, activities: Sequence[bytes], inboxes: Sequence[str]) -> None:
    """Write down which inboxes were told of which object; what took it back needs not be taken back."""
    await conn.execute(
        f"""
        INSERT INTO told_of_objects AS o (object_hash, actor_id, inboxes)
        SELECT s.object_hash, min(s.actor_id), array_agg(DISTINCT i.id)
          FROM unnest($1::bytea[], $2::text[]) AS t (activity_hash, inbox)
          JOIN sent_activities s USING (activity_hash)
          JOIN told_inboxes i USING (inbox)
         WHERE NOT s.{_TAKES_BACK}
         GROUP BY s.object_hash ORDER BY s.object_hash
            ON CONFLICT (object_hash) DO UPDATE
           SET inboxes = ARRAY(
               SELECT DISTINCT id FROM unnest(o.inboxes || EXCLUDED.inboxes) AS id ORDER BY id)
        """,  # noqa: S608 - a constant
        activities,
        inboxes,
    )


async def _fold_by_actor(conn: Connection, activities: Sequence[bytes], inboxes: Sequence[str]) -> None:
    await conn.execute(
        """
        INSERT INTO told_by_actors (actor_id, inbox_id)
        SELECT DISTINCT s.actor_id, i.id
          FROM unnest($1::bytea[], $2::text[]) AS t (activity_hash, inbox)
          JOIN sent_activities s USING (activity_hash)
          JOIN told_inboxes i USING (inbox)
         ORDER BY 1, 2
            ON CONFLICT DO NOTHING
        """,
        activities,
        inboxes,
    )


async def _forget_empty(conn: Connection, activities: Sequence[bytes]) -> int:
    """Delete activities without deliveries; whose Delete goes, of that nobody needs to be known any more."""
    rows = await conn.fetch(
        """
        WITH gone AS (
            DELETE FROM sent_activities s
             WHERE s.activity_hash = ANY($1::bytea[])
               AND NOT EXISTS (SELECT FROM deliveries d WHERE d.activity_hash = s.activity_hash)
            RETURNING s.type, s.object_hash, s.actor_id
        ), forgotten AS (
            DELETE FROM told_of_objects o USING gone
             WHERE gone.type IN ('Delete', 'Undo') AND o.object_hash = gone.object_hash
        )
        SELECT gone.actor_id, gone.type = 'Delete' AND a.uri_hash = gone.object_hash AS actor_itself
          FROM gone LEFT JOIN actors a ON a.id = gone.actor_id
        """,
        list(activities),
    )
    if departed := [row["actor_id"] for row in rows if row["actor_itself"]]:
        await conn.execute("DELETE FROM told_by_actors WHERE actor_id = ANY($1::bigint[])", departed)
        await conn.execute("DELETE FROM told_of_objects WHERE actor_id = ANY($1::bigint[])", departed)
    return len(rows)


async def count_told(conn: Connection, object_uri: str) -> int:
    """Count the inboxes of which no more is known than that they were told of an object."""
    count: int | None = await conn.fetchval(
        "SELECT cardinality(inboxes) FROM told_of_objects WHERE object_hash = $1", uri_hash(object_uri)
    )
    return count or 0
