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

# Written so that each step is a probe of an index, in the order in which it stands here, whatever the
# planner believes about the sizes of the tables: it may have planned when they were empty.
_POST = """
 CROSS JOIN LATERAL (SELECT t.id, t.actor_id, t.reblog_of_id, t.visibility, t.in_reply_to_uri,
                            t.in_reply_to_actor_id, t.deleted_at
                       FROM statuses t WHERE t.id = k.id OFFSET 0) s
  LEFT JOIN LATERAL (SELECT b.actor_id, b.deleted_at
                       FROM statuses b WHERE b.id = s.reblog_of_id OFFSET 0) o ON true
"""

_FOLLOWED = """
 CROSS JOIN LATERAL (SELECT t.follower_id, t.show_reblogs FROM follows t
                      WHERE t.followee_id = s.actor_id AND t.state = 1 OFFSET 0) f
 CROSS JOIN LATERAL (SELECT true FROM accounts a
                      WHERE a.actor_id = f.follower_id AND a.home_state <> 0 OFFSET 0) c
"""

_FOLLOWS_OF = """
 CROSS JOIN LATERAL (SELECT t.follower_id, t.show_reblogs FROM follows t
                      WHERE t.follower_id = %s AND t.followee_id = s.actor_id AND t.state = 1 OFFSET 0) f
"""

_ALIVE = """
       s.deleted_at IS NULL AND (s.reblog_of_id IS NULL OR o.deleted_at IS NULL)
"""

_RULE = f"""{_ALIVE}
   AND (s.visibility <= 2
        OR (SELECT true FROM mentions n WHERE n.status_id = s.id AND n.actor_id = f.follower_id LIMIT 1))
   -- Of boosts of their own posts people learn by a notification.
   AND (s.reblog_of_id IS NULL
        OR (f.show_reblogs AND o.actor_id <> f.follower_id
            AND (SELECT true FROM blocks b
                  WHERE b.actor_id = o.actor_id AND b.target_id = f.follower_id LIMIT 1) IS NULL))
   -- A reply belongs to those who know the other side too, or are it; one to nobody known is out of place.
   AND (s.in_reply_to_uri IS NULL
        OR s.in_reply_to_actor_id = s.actor_id
        OR s.in_reply_to_actor_id = f.follower_id
        OR (SELECT true FROM follows t WHERE t.follower_id = f.follower_id
                                         AND t.followee_id = s.in_reply_to_actor_id AND t.state = 1 LIMIT 1))
   AND (SELECT true FROM blocks b WHERE b.actor_id = f.follower_id
           AND b.target_id = ANY(ARRAY[s.actor_id, o.actor_id, s.in_reply_to_actor_id]) LIMIT 1) IS NULL
   AND (SELECT true FROM mutes m WHERE m.actor_id = f.follower_id
           AND m.target_id = ANY(ARRAY[s.actor_id, o.actor_id, s.in_reply_to_actor_id]) LIMIT 1) IS NULL
"""  # noqa: S608 - constants

_INSERT = "INSERT INTO home_timeline (account_id, status_id, actor_id)"

_FAN_OUT = f"""
{_INSERT}
SELECT f.follower_id, s.id, s.actor_id
  FROM unnest($1::bigint[]) AS k (id)
 {_POST} {_FOLLOWED}
 WHERE {_RULE}
"""  # noqa: S608 - constants

_FAN_OUT_AGAIN = f"{_FAN_OUT} ON CONFLICT DO NOTHING"


async def fan_out(conn: Connection, status_ids: Sequence[int], *, new: bool = False) -> None:
    """Put these posts and boosts into the home timelines of followers where they belong.

    Into its author's own timeline a post comes with the transaction that writes it.

    Args:
        conn: A connection.
        status_ids: Posts and boosts, each once.
        new: This transaction made them all, so nobody can have them yet; looking for that costs a quarter.
    """
    await conn.execute(_FAN_OUT if new else _FAN_OUT_AGAIN, list(status_ids))


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
SELECT f.follower_id, s.id, s.actor_id
  FROM candidates k
 {_POST} {_FOLLOWS_OF % "k.account_id"}
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
   AND (SELECT true FROM (SELECT h.status_id AS id) k {_POST} {_FOLLOWS_OF % "h.account_id"}
         WHERE {_RULE} LIMIT 1) IS NULL
   AND (SELECT true FROM (SELECT h.status_id AS id) k {_POST}
         WHERE s.actor_id = h.account_id AND {_ALIVE} LIMIT 1) IS NULL
"""  # noqa: S608 - constants


async def prune(conn: Connection, account_ids: Sequence[int]) -> None:
    """Take out what no longer belongs: after an unfollow, a block, a mute, boosts switched off."""
    await conn.execute(_PRUNE, list(account_ids))


async def remove(conn: Connection, status_ids: Sequence[int]) -> None:
    """Take these posts and boosts out of the home timelines of their authors and their followers.

    Nobody else has them: whoever stops following loses them then.
    """
    await conn.execute(
        """
        WITH posts AS MATERIALIZED (
            SELECT s.id, s.actor_id FROM unnest($1::bigint[]) AS n (id)
             CROSS JOIN LATERAL (SELECT t.id, t.actor_id FROM statuses t WHERE t.id = n.id OFFSET 0) s
        ), entries AS MATERIALIZED (
            SELECT actor_id AS account_id, id FROM posts
             UNION ALL
            SELECT f.follower_id, p.id FROM posts p JOIN follows f ON f.followee_id = p.actor_id
        )
        DELETE FROM home_timeline h USING entries e
         WHERE h.account_id = e.account_id AND h.status_id = e.id
        """,
        list(status_ids),
    )


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
    SELECT f.follower_id AS account_id, s.id, s.actor_id
      FROM candidates k
     {_POST} {_FOLLOWS_OF % "$1"}
     WHERE {_RULE}
     UNION ALL
    SELECT s.actor_id, s.id, s.actor_id
      FROM candidates k
     {_POST}
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


async def trim(conn: Connection, share: int, shares: int) -> None:
    """Drop what has sunk below the `KEPT` newest entries of the home timelines of a part of the accounts.

    Args:
        conn: A connection.
        share: Which part, from 0.
        shares: How many parts there are, so that no single call looks at everybody.
    """
    await conn.execute(
        """
        DELETE FROM home_timeline h
         USING accounts c
         CROSS JOIN LATERAL (SELECT status_id FROM home_timeline
                              WHERE account_id = c.actor_id
                              ORDER BY status_id DESC OFFSET $1 LIMIT 1) cut
         WHERE (c.actor_id >> 22) % $3 = $2
           AND h.account_id = c.actor_id AND h.status_id <= cut.status_id
        """,
        KEPT,
        share,
        shares,
    )
