"""Parked deliveries that newer ones of the same object make pointless, or that have to wait behind others."""

from collections.abc import Sequence
from datetime import datetime

from shared.database.pool import Connection

Key = tuple[bytes, str]
"""Hash of the activity, and inbox."""


_POINTLESS = """
s.type NOT IN ('Delete', 'Undo')
AND EXISTS (
        SELECT FROM sent_activities n JOIN deliveries nd USING (activity_hash)
         WHERE n.object_hash IN (s.object_hash, a.uri_hash) AND n.actor_id = s.actor_id
           AND n.activity_hash <> s.activity_hash AND nd.inbox = d.inbox
           AND CASE WHEN n.type = 'Delete' THEN n.created_at >= s.created_at
                    WHEN n.object_hash <> s.object_hash THEN false
                    WHEN n.type = 'Undo' THEN n.created_at >= s.created_at
                    ELSE n.type = 'Update' AND s.type = 'Update' AND n.created_at > s.created_at
               END)
"""
"""Of a delivery `d` of the activity `s` by the actor `a`: whether a newer one makes it pointless."""


async def supersede(conn: Connection, keys: Sequence[Key]) -> set[Key]:
    """Settle those of these parked deliveries that say nothing any more; return them.

    What is deleted or undone needs not be told to the same inbox first, and of two updates the newer one is
    enough. The Delete itself always goes out: a server that answered with an error may have kept the object.
    """
    rows = await conn.fetch(
        f"""
        UPDATE deliveries AS d
           SET state = 4, reason = 'superseded', next_try_at = NULL, updated_at = now()
          FROM unnest($1::bytea[], $2::text[]) AS k (activity_hash, inbox)
          JOIN sent_activities s USING (activity_hash)
          JOIN actors a ON a.id = s.actor_id
         WHERE d.activity_hash = k.activity_hash AND d.inbox = k.inbox AND d.state = 2
           AND {_POINTLESS}
        RETURNING d.activity_hash, d.inbox
        """,  # noqa: S608 - a constant
        [activity_hash for activity_hash, _ in keys],
        [inbox for _, inbox in keys],
    )
    return {(row["activity_hash"], row["inbox"]) for row in rows}


async def wait_behind(conn: Connection, keys: Sequence[Key], now: datetime) -> set[Key]:
    """Put off those of these parked updates whose Create is parked for later than now; return them."""
    rows = await conn.fetch(
        """
        UPDATE deliveries AS d SET next_try_at = behind.next_try_at, updated_at = now()
          FROM (SELECT k.activity_hash, k.inbox, max(od.next_try_at) AS next_try_at
                  FROM unnest($1::bytea[], $2::text[]) AS k (activity_hash, inbox)
                  JOIN sent_activities s USING (activity_hash)
                  JOIN sent_activities o ON o.object_hash = s.object_hash AND o.actor_id = s.actor_id
                  JOIN deliveries od ON od.activity_hash = o.activity_hash AND od.inbox = k.inbox
                 WHERE s.type = 'Update' AND o.type = 'Create' AND od.state = 2 AND od.next_try_at > $3
                 GROUP BY 1, 2) AS behind
         WHERE d.activity_hash = behind.activity_hash AND d.inbox = behind.inbox AND d.state = 2
        RETURNING d.activity_hash, d.inbox
        """,
        [activity_hash for activity_hash, _ in keys],
        [inbox for _, inbox in keys],
        now,
    )
    return {(row["activity_hash"], row["inbox"]) for row in rows}


async def pointless(conn: Connection, keys: Sequence[Key]) -> set[Key]:
    """Return those of these deliveries that say nothing any more, whatever their state."""
    rows = await conn.fetch(
        f"""
        SELECT d.activity_hash, d.inbox
          FROM unnest($1::bytea[], $2::text[]) AS d (activity_hash, inbox)
          JOIN sent_activities s USING (activity_hash)
          JOIN actors a ON a.id = s.actor_id
         WHERE {_POINTLESS}
        """,  # noqa: S608 - a constant
        [activity_hash for activity_hash, _ in keys],
        [inbox for _, inbox in keys],
    )
    return {(row["activity_hash"], row["inbox"]) for row in rows}


async def behind_parked(conn: Connection, keys: Sequence[Key]) -> dict[Key, datetime]:
    """Return those of these updates whose Create is parked or was let go from there, and when that is due.

    What was let go is in a queue, and an update that waits its turn beside the queues would overtake it.
    """
    rows = await conn.fetch(
        """
        SELECT k.activity_hash, k.inbox, max(COALESCE(od.next_try_at, now())) AS due
          FROM unnest($1::bytea[], $2::text[]) AS k (activity_hash, inbox)
          JOIN sent_activities s USING (activity_hash)
          JOIN sent_activities o ON o.object_hash = s.object_hash AND o.actor_id = s.actor_id
          JOIN deliveries od ON od.activity_hash = o.activity_hash AND od.inbox = k.inbox
         WHERE s.type = 'Update' AND o.type = 'Create'
           AND (od.state = 2 OR od.state = 0 AND od.reason <> '')
         GROUP BY 1, 2
        """,
        [activity_hash for activity_hash, _ in keys],
        [inbox for _, inbox in keys],
    )
    return {(row["activity_hash"], row["inbox"]): row["due"] for row in rows}
