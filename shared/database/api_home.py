"""Timelines of those whom one follows: home and lists, as ids, newest first."""

from shared.database.home_rule import COLUMNS, RULE, SHARED
from shared.database.paging import Page
from shared.database.pool import Connection
from shared.database.visible import hides

_WRITTEN = f"""
SELECT h.status_id AS id
  FROM home_timeline h
  JOIN statuses s ON s.id = h.status_id
  LEFT JOIN statuses r ON r.id = s.reblog_of_id
 WHERE h.account_id = $1 AND h.status_id < $2 AND h.status_id > $3
   AND s.deleted_at IS NULL AND (s.reblog_of_id IS NULL OR (r.id IS NOT NULL AND r.deleted_at IS NULL))
   AND {hides("s.actor_id, r.actor_id")}
 ORDER BY h.status_id :order
 LIMIT $4
"""  # noqa: S608 - constants

# Of each author as many as a page holds, by the same rule as what is written; once a page is full, not
# beyond its end. `:edge` is the end of the page that is written.
_MERGED = f"""
WITH written AS MATERIALIZED ({_WRITTEN})
SELECT id FROM written
UNION
SELECT m.id
  FROM wide_authors w
 CROSS JOIN LATERAL (SELECT t.follower_id, t.followee_id, t.show_reblogs FROM follows t
                      WHERE t.follower_id = $1 AND t.followee_id = w.actor_id
                        AND t.state = 1 AND NOT t.exclusive OFFSET 0) f
 CROSS JOIN LATERAL (
    SELECT s.id
      FROM (SELECT {COLUMNS} FROM statuses t
             WHERE t.actor_id = f.followee_id AND t.deleted_at IS NULL
               AND t.id < $2 AND t.id > $3 AND :within
             ORDER BY t.id :order OFFSET 0) s
     {SHARED}
     WHERE {RULE}
     ORDER BY s.id :order
     LIMIT $4) m
 ORDER BY id :order
 LIMIT $4
"""  # noqa: S608 - constants

_OLDEST = "t.id > coalesce((SELECT min(id) FROM written HAVING count(*) >= $4), 0)"
_NEWEST = "t.id < coalesce((SELECT max(id) FROM written HAVING count(*) >= $4), $2)"


async def home(conn: Connection, account_id: int, page: Page) -> list[int]:
    """Return a page of an account's home timeline: what is written, and what wide authors add to it."""
    query = _MERGED.replace(":within", _NEWEST if page.ascending else _OLDEST)
    rows = await conn.fetch(page.query(query), account_id, page.below, page.above, page.limit)
    return page.newest_first([row["id"] for row in rows])


LIST_RULE = f"""{RULE}
   -- Answers to others are shown by the list's policy; those to its owner always.
   AND (s.in_reply_to_uri IS NULL
        OR s.in_reply_to_actor_id = ANY(ARRAY[s.actor_id, f.follower_id])
        OR l.replies_policy = 0
        OR (l.replies_policy = 1
            AND (SELECT true FROM list_members x
                  WHERE x.list_id = l.id AND x.actor_id = s.in_reply_to_actor_id LIMIT 1)))
"""  # noqa: S608 - constants
"""Whether a post of a member, whom the owner follows by `f`, stands in a list `l`."""

_LIST = f"""
SELECT e.id
  FROM lists l
  JOIN list_members m ON m.list_id = l.id
 CROSS JOIN LATERAL (SELECT t.follower_id, t.followee_id, t.show_reblogs FROM follows t
                      WHERE t.follower_id = l.account_id AND t.followee_id = m.actor_id
                        AND t.state = 1 OFFSET 0) f
 CROSS JOIN LATERAL (
    SELECT s.id
      FROM (SELECT {COLUMNS} FROM statuses t
             WHERE t.actor_id = f.followee_id AND t.deleted_at IS NULL AND t.id < $2 AND t.id > $3
             ORDER BY t.id :order OFFSET 0) s
     {SHARED}
     WHERE {LIST_RULE}
     ORDER BY s.id :order
     LIMIT $4) e
 WHERE l.id = $1
 ORDER BY e.id :order
 LIMIT $4
"""  # noqa: S608 - constants


async def of_list(conn: Connection, list_id: int, page: Page) -> list[int]:
    """Return a page of a list's timeline."""
    rows = await conn.fetch(page.query(_LIST), list_id, page.below, page.above, page.limit)
    return page.newest_first([row["id"] for row in rows])
