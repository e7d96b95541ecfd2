"""Timelines of those whom one follows: home and lists, as ids, newest first."""

from collections.abc import Sequence
from operator import itemgetter

from asyncpg import Record
from msgspec import Struct

from shared.database.api_statuses import Marks, Shown, Version
from shared.database.home_rule import COLUMNS, RULE, SHARED
from shared.database.paging import Page
from shared.database.pool import Connection

MOST_ROUNDS = 8
"""Times that a page is filled up where much of what was written is gone."""

# One round trip for all that showing a page takes, and every step of it a probe of an index. The limit is
# written out, for with a parameter the planner would take a tenth of everything for wanted. Below zero: the
# wide authors followed.
_WRITTEN = """
SELECT h.id, s.xmin AS version, s.actor_id, a.xmin AS actor_version, s.reblog_of_id,
       r.xmin AS shared_version, r.actor_id AS sharing_id, ra.xmin AS sharing_version,
       a.id IS NOT NULL AND (s.reblog_of_id IS NULL OR ra.id IS NOT NULL)
       AND s.actor_id <> ALL(hidden.ids) AND (r.actor_id IS NULL OR r.actor_id <> ALL(hidden.ids)) AS shown,
       f.actor_id IS NOT NULL AS favourited, b.actor_id IS NOT NULL AS reblogged,
       k.actor_id IS NOT NULL AS bookmarked,
       s.actor_id = $1 AND (SELECT true FROM pins p
                             WHERE p.actor_id = $1 AND p.status_id = s.id LIMIT 1) AS pinned
  FROM (SELECT ARRAY(SELECT target_id FROM blocks WHERE actor_id = $1
                      UNION ALL SELECT target_id FROM mutes WHERE actor_id = $1) AS ids OFFSET 0) hidden
 CROSS JOIN (SELECT status_id AS id FROM home_timeline
              WHERE account_id = $1 AND status_id < $2 AND status_id > $3
              ORDER BY status_id :order LIMIT :limit) h
  LEFT JOIN statuses s ON s.id = h.id AND s.deleted_at IS NULL
  LEFT JOIN actors a ON a.id = s.actor_id AND a.deleted_at IS NULL
  LEFT JOIN statuses r ON r.id = s.reblog_of_id AND r.deleted_at IS NULL
  LEFT JOIN actors ra ON ra.id = r.actor_id AND ra.deleted_at IS NULL
  LEFT JOIN favourites f ON f.status_id = coalesce(s.reblog_of_id, s.id) AND f.actor_id = $1
  LEFT JOIN statuses b ON b.reblog_of_id = coalesce(s.reblog_of_id, s.id) AND b.actor_id = $1
                      AND b.deleted_at IS NULL
  LEFT JOIN bookmarks k ON k.actor_id = $1 AND k.status_id = coalesce(s.reblog_of_id, s.id)
UNION ALL
SELECT -w.actor_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL, NULL, NULL
  FROM wide_authors w
 WHERE (SELECT true FROM follows t WHERE t.follower_id = $1 AND t.followee_id = w.actor_id
                                     AND t.state = 1 AND NOT t.exclusive LIMIT 1)
"""

_OF_WIDE = f"""
SELECT m.id
  FROM unnest((SELECT $4::bigint[])) AS w (actor_id)
 CROSS JOIN LATERAL (SELECT t.follower_id, t.followee_id, t.show_reblogs FROM follows t
                      WHERE t.follower_id = $1 AND t.followee_id = w.actor_id
                        AND t.state = 1 AND NOT t.exclusive OFFSET 0) f
 CROSS JOIN LATERAL (
    SELECT s.id
      FROM (SELECT {COLUMNS} FROM statuses t
             WHERE t.actor_id = f.followee_id AND t.deleted_at IS NULL AND t.id < $2 AND t.id > $3
             ORDER BY t.id :order OFFSET 0) s
     {SHARED}
     WHERE {RULE}
     ORDER BY s.id :order
     LIMIT :limit) m
"""  # noqa: S608 - constants


class Written(Struct, frozen=True):
    """A stretch of what is written into a home timeline, in the order of the page, without what is gone.

    `end` is where the stretch ends, None where there is nothing beyond it.
    """

    ids: list[int]
    wide: list[int]
    shown: Shown
    end: int | None


async def home(conn: Connection, account_id: int, page: Page) -> tuple[list[int], Shown]:
    """Return a page of an account's home timeline, and what showing it takes.

    Of what wide authors add as many posts each as a page holds, by the same rule as what is written; once
    the page is full, not beyond its end. Who is wide is asked together with what is written: an author is
    wide, or has every post written.
    """
    first = await _written(conn, account_id, page)
    written, shown = first.ids, first.shown
    end, rounds = first.end, 0
    while len(written) < page.limit and end is not None and rounds < MOST_ROUNDS:
        more = await _written(conn, account_id, _beyond(page, end))
        written, end, rounds = [*written, *more.ids], more.end, rounds + 1
        shown.take(more.shown)
    written = written[: page.limit]
    if first.wide:
        written = await _with_wide(conn, account_id, page, first.wide, written)
        await shown.complete(conn, written, account_id)
    return page.newest_first(written), shown


async def _written(conn: Connection, account_id: int, page: Page) -> Written:
    rows = await conn.fetch(_query(_WRITTEN, page), account_id, page.below, page.above)
    entries = [row for row in rows if row["id"] > 0]
    # Joins need not keep the order.
    entries.sort(key=itemgetter("id"), reverse=not page.ascending)
    alive = [row for row in entries if row["shown"]]
    full = len(entries) == page.limit
    return Written(
        ids=[row["id"] for row in alive],
        wide=[-row["id"] for row in rows if row["id"] < 0],
        shown=_shown(alive),
        end=entries[-1]["id"] if full else None,
    )


def _shown(rows: Sequence[Record]) -> Shown:
    shown = Shown()
    for row in rows:
        of = row["reblog_of_id"]
        shown.versions[row["id"]] = Version(
            row["id"], row["version"], row["actor_id"], row["actor_version"], of
        )
        if of is not None:
            shown.versions[of] = Version(
                of, row["shared_version"], row["sharing_id"], row["sharing_version"], None
            )
        if row["favourited"] or row["reblogged"] or row["bookmarked"] or row["pinned"]:
            shown.marks[of or row["id"]] = Marks(
                favourited=bool(row["favourited"]),
                reblogged=bool(row["reblogged"]),
                bookmarked=bool(row["bookmarked"]),
                pinned=bool(row["pinned"]),
            )
    return shown


def _beyond(page: Page, end: int) -> Page:
    """Return the page that goes on where a stretch ended."""
    if page.ascending:
        return Page(limit=page.limit, max_id=page.max_id, min_id=end)
    return Page(limit=page.limit, max_id=end, since_id=page.since_id)


async def _with_wide(
    conn: Connection, account_id: int, page: Page, wide: Sequence[int], written: Sequence[int]
) -> list[int]:
    """Return what is written together with the posts of wide authors, in the order of the page."""
    below, above = page.below, page.above
    if len(written) == page.limit:
        below, above = (written[-1], above) if page.ascending else (below, written[-1])
    rows = await conn.fetch(_query(_OF_WIDE, page), account_id, below, above, list(wide))
    return sorted({*written, *(row["id"] for row in rows)}, reverse=not page.ascending)[: page.limit]


def _query(template: str, page: Page) -> str:
    return page.query(template).replace(":limit", str(page.limit))


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
