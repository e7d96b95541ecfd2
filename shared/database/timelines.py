"""Home timelines, fanned out on write: one rule says which post stands in whose timeline.

The rule looks only at what the store holds now (follows, blocks, mutes, posts). Fan-out applies it to new
posts, `extend` and `prune` to a relation that changed, `rebuild` to everything, and so they agree.
"""

from collections.abc import Sequence

from shared.database.pool import Connection

KEPT = 800
"""Entries of a home timeline that are kept; older ones are trimmed."""

BACKFILL = 100
"""Posts of an actor that are looked at when a relation to them changes."""

_ROW = """
  FROM statuses s
  LEFT JOIN statuses o ON o.id = s.reblog_of_id
"""

_FOLLOWED = """
  JOIN follows f ON f.followee_id = s.actor_id AND f.state = 1
  JOIN accounts c ON c.actor_id = f.follower_id
"""

_ALIVE = """
       s.deleted_at IS NULL AND (s.reblog_of_id IS NULL OR o.deleted_at IS NULL)
"""

_RULE = f"""{_ALIVE}
   AND (s.visibility <= 2
        OR EXISTS (SELECT FROM mentions n WHERE n.status_id = s.id AND n.actor_id = f.follower_id))
   -- Of boosts of their own posts people learn by a notification.
   AND (s.reblog_of_id IS NULL OR (f.show_reblogs AND o.actor_id <> f.follower_id))
   -- A reply belongs to those who know the other side too, or are it; one to nobody known is out of place.
   AND (s.in_reply_to_uri IS NULL
        OR s.in_reply_to_actor_id = s.actor_id
        OR s.in_reply_to_actor_id = f.follower_id
        OR EXISTS (SELECT FROM follows t WHERE t.follower_id = f.follower_id
                                           AND t.followee_id = s.in_reply_to_actor_id AND t.state = 1))
   AND NOT EXISTS (SELECT FROM blocks b WHERE b.actor_id = f.follower_id
                      AND b.target_id = ANY(ARRAY[s.actor_id, o.actor_id, s.in_reply_to_actor_id]))
   AND NOT EXISTS (SELECT FROM mutes m WHERE m.actor_id = f.follower_id
                      AND m.target_id = ANY(ARRAY[s.actor_id, o.actor_id, s.in_reply_to_actor_id]))
   AND NOT EXISTS (SELECT FROM blocks b WHERE b.actor_id = o.actor_id AND b.target_id = f.follower_id)
"""  # noqa: S608 - constants

_INSERT = "INSERT INTO home_timeline (account_id, status_id, actor_id)"

_FAN_OUT = f"""
{_INSERT}
SELECT f.follower_id, s.id, s.actor_id {_ROW} {_FOLLOWED}
 WHERE s.id = ANY($1::bigint[]) AND {_RULE}
 UNION ALL
SELECT s.actor_id, s.id, s.actor_id {_ROW}
 WHERE s.id = ANY($1::bigint[]) AND s.local AND {_ALIVE}
    ON CONFLICT DO NOTHING
"""


async def fan_out(conn: Connection, status_ids: Sequence[int]) -> None:
    """Put these posts and boosts into every home timeline where they belong, their author's included."""
    await conn.execute(_FAN_OUT, list(status_ids))


_EXTEND = f"""
{_INSERT}
WITH recent AS MATERIALIZED (
    SELECT n.account_id, t.id
      FROM unnest($1::bigint[], $2::bigint[]) AS n (account_id, actor_id)
     CROSS JOIN LATERAL (SELECT id FROM statuses
                          WHERE actor_id = n.actor_id AND deleted_at IS NULL
                          ORDER BY id DESC LIMIT $3) t
), candidates AS MATERIALIZED (
    SELECT account_id, id FROM recent
    UNION
    SELECT r.account_id, a.id FROM recent r JOIN statuses a ON a.in_reply_to_id = r.id
    UNION
    SELECT r.account_id, b.id FROM recent r JOIN statuses b ON b.reblog_of_id = r.id
)
SELECT f.follower_id, s.id, s.actor_id {_ROW} {_FOLLOWED}
  JOIN candidates k ON k.id = s.id AND k.account_id = f.follower_id
 WHERE {_RULE}
    ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants


async def extend(conn: Connection, pairs: Sequence[tuple[int, int]]) -> None:
    """Let in what these (account, actor) now have: after a follow, an unblock, an unmute.

    It takes in the actor's latest posts, and answers to them and boosts of them by others.
    """
    await conn.execute(_EXTEND, [account for account, _ in pairs], [actor for _, actor in pairs], BACKFILL)


_PRUNE = f"""
DELETE FROM home_timeline h
 WHERE h.account_id = ANY($1::bigint[])
   AND NOT EXISTS (SELECT {_ROW} {_FOLLOWED}
                    WHERE s.id = h.status_id AND f.follower_id = h.account_id AND {_RULE})
   AND NOT EXISTS (SELECT {_ROW} WHERE s.id = h.status_id AND s.actor_id = h.account_id AND {_ALIVE})
"""  # noqa: S608 - constants


async def prune(conn: Connection, account_ids: Sequence[int]) -> None:
    """Take out what no longer belongs: after an unfollow, a block, a mute, boosts switched off."""
    await conn.execute(_PRUNE, list(account_ids))


async def remove(conn: Connection, status_ids: Sequence[int]) -> None:
    """Take these posts and boosts out of every home timeline."""
    await conn.execute("DELETE FROM home_timeline WHERE status_id = ANY($1::bigint[])", list(status_ids))


_REBUILD = f"""
{_INSERT}
WITH candidates AS MATERIALIZED (
    SELECT t.id
      FROM (SELECT followee_id AS actor_id FROM follows WHERE follower_id = $1 AND state = 1
            UNION ALL SELECT $1) w
     CROSS JOIN LATERAL (SELECT id FROM statuses
                          WHERE actor_id = w.actor_id AND deleted_at IS NULL
                          ORDER BY id DESC LIMIT $2) t
)
SELECT account_id, id, actor_id FROM (
    SELECT f.follower_id AS account_id, s.id, s.actor_id {_ROW} {_FOLLOWED}
      JOIN candidates k ON k.id = s.id
     WHERE f.follower_id = $1 AND {_RULE}
     UNION ALL
    SELECT s.actor_id, s.id, s.actor_id {_ROW}
      JOIN candidates k ON k.id = s.id
     WHERE s.actor_id = $1 AND {_ALIVE}
) entries
 ORDER BY id DESC
 LIMIT $2
    ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants


async def clear(conn: Connection, account_id: int) -> None:
    """Empty a home timeline."""
    await conn.execute("DELETE FROM home_timeline WHERE account_id = $1", account_id)


async def refill(conn: Connection, account_id: int) -> None:
    """Fill an empty home timeline from the store."""
    await conn.execute(_REBUILD, account_id, KEPT)


async def trim(conn: Connection) -> None:
    """Drop what has sunk below the `KEPT` newest entries of each home timeline."""
    await conn.execute(
        """
        DELETE FROM home_timeline h
         USING accounts c
         CROSS JOIN LATERAL (SELECT status_id FROM home_timeline
                              WHERE account_id = c.actor_id
                              ORDER BY status_id DESC OFFSET $1 LIMIT 1) cut
         WHERE h.account_id = c.actor_id AND h.status_id <= cut.status_id
        """,
        KEPT,
    )
