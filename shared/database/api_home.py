"""Timelines of those whom one follows: home and lists, as ids, newest first."""

import functools
from collections.abc import Collection, Container, Iterable, Iterator, Mapping

from asyncpg import Record

from shared.database.api_statuses import MARKS, Shown, Version, marks_by_post
from shared.database.home_rule import COLUMNS, RULE, SHARED, SIMPLE
from shared.database.paging import Page
from shared.database.pool import Connection

MOST_ROUNDS = 8
"""Times that a page is filled up where much of what was written is gone."""

# One round trip for all that showing a page takes, and every step of it a scan of an index for a whole array
# of ids: in place of joins, which would descend once for each entry. The limit is written out, for with a
# parameter the planner would take a tenth of everything for wanted.
_WRITTEN, _MERGED, _DOUBTFUL, _SHARED, _AUTHOR, _HIDDEN, _END = range(10, 17)
_STRETCH = f"""
WITH b AS MATERIALIZED (
    SELECT greatest($3, (SELECT home_horizon FROM accounts WHERE actor_id = $1)) AS above
), h AS MATERIALIZED (
    SELECT status_id AS id FROM home_timeline
     WHERE account_id = $1 AND status_id < $2 AND status_id > (SELECT above FROM b)
     ORDER BY status_id :order LIMIT :limit
), s AS MATERIALIZED (
    SELECT {_WRITTEN} AS kind, t.id, t.xmin AS version, t.actor_id, t.reblog_of_id
      FROM statuses t
     WHERE t.id = ANY(ARRAY(SELECT id FROM h)) AND t.deleted_at IS NULL
    UNION ALL
    SELECT CASE WHEN {SIMPLE} THEN {_MERGED} ELSE {_DOUBTFUL} END, t.id, t.version, t.actor_id, t.reblog_of_id
      FROM follows f
     CROSS JOIN LATERAL (SELECT {COLUMNS}, t.xmin AS version FROM statuses t
                          WHERE t.actor_id = f.followee_id AND t.deleted_at IS NULL
                            AND t.id < :below AND t.id > :above
                          ORDER BY t.id :order LIMIT :limit) t
     WHERE f.follower_id = $1 AND f.followee_id = ANY(ARRAY(SELECT actor_id FROM wide_authors))
       AND f.state = 1 AND NOT f.exclusive
), r AS MATERIALIZED (
    SELECT t.id, t.xmin AS version, t.actor_id FROM statuses t
     WHERE t.id = ANY(ARRAY(SELECT reblog_of_id FROM s WHERE reblog_of_id IS NOT NULL))
       AND t.deleted_at IS NULL
), o AS MATERIALIZED (
    SELECT ARRAY(SELECT coalesce(reblog_of_id, id) FROM s) AS ids
)
SELECT kind, id, version, actor_id, reblog_of_id FROM s
UNION ALL
SELECT {_SHARED}, id, version, actor_id, NULL FROM r
UNION ALL
SELECT {_AUTHOR}, a.id, a.xmin, NULL, NULL FROM actors a
 WHERE a.id = ANY(ARRAY(SELECT actor_id FROM s UNION ALL SELECT actor_id FROM r)) AND a.deleted_at IS NULL
UNION ALL
SELECT {_HIDDEN}, target_id, NULL, NULL, NULL FROM blocks WHERE actor_id = $1
UNION ALL
SELECT {_HIDDEN}, target_id, NULL, NULL, NULL FROM mutes WHERE actor_id = $1
UNION ALL
SELECT m.mark, m.id, NULL, NULL, NULL FROM ({MARKS.replace(":ids", "(SELECT ids FROM o)::bigint[]")}) m
UNION ALL
(SELECT {_END}, id, NULL, NULL, NULL FROM h OFFSET :limit - 1)
"""  # noqa: S608 - constants


# What doubtful authors add: the rule costs as much as all the rest, and few need it.
_RULED = f"""
SELECT m.id
  FROM unnest((SELECT $4::bigint[])) AS w (actor_id)
 CROSS JOIN LATERAL (SELECT t.follower_id, t.followee_id, t.show_reblogs FROM follows t
                      WHERE t.follower_id = $1 AND t.followee_id = w.actor_id
                        AND t.state = 1 AND NOT t.exclusive OFFSET 0) f
 CROSS JOIN LATERAL (
    SELECT s.id
      FROM (SELECT {COLUMNS} FROM statuses t
             WHERE t.actor_id = f.followee_id AND t.deleted_at IS NULL AND t.id < $2 AND t.id > (
                   SELECT greatest($3, a.home_horizon) FROM accounts a WHERE a.actor_id = $1)
             ORDER BY t.id :order OFFSET 0) s
     {SHARED}
     WHERE {RULE}
     ORDER BY s.id :order
     LIMIT :limit) m
"""  # noqa: S608 - constants


async def home(conn: Connection, account_id: int, page: Page) -> tuple[list[int], Shown]:
    """Return a page of an account's home timeline, and what showing it takes.

    Of what wide authors add as many posts each as a page holds, by the same rule as what is written; once
    the page is full, not beyond its end. Who is wide is asked together with what is written: an author is
    wide, or has every post written.
    """
    shown, found, rest = Shown(), list[int](), page
    for _ in range(1 + MOST_ROUNDS):
        ids, more, end = await _stretch(conn, account_id, rest)
        found += ids
        shown.take(more)
        if len(found) >= page.limit or end is None:
            break
        rest = _beyond(page, end)
    return page.newest_first(found[: page.limit]), shown


async def _stretch(conn: Connection, account_id: int, page: Page) -> tuple[list[int], Shown, int | None]:
    """Read a stretch, without what is gone or whose author, or the author of what it shares, is hidden.

    Returned are its ids in the order of the page, what showing them takes, and where it ends; None where
    there is nothing beyond it.
    """
    groups: dict[int, list[Record]] = {}
    for row in await conn.fetch(_query(_STRETCH, page), account_id, page.below, page.above):
        groups.setdefault(row[0], []).append(row)
    end = groups[_END][0][1] if _END in groups else None
    hidden = {row[1] for row in groups.get(_HIDDEN, ())}
    authors = {row[1]: row[2] for row in groups.get(_AUTHOR, ()) if row[1] not in hidden}
    shared = {one.id: one for one in _alive(groups.get(_SHARED, ()), authors)}
    written, merged, doubtful = (
        {one.id: one for one in _alive(groups.get(kind, ()), authors, shared)}
        for kind in (_WRITTEN, _MERGED, _DOUBTFUL)
    )
    marks = marks_by_post((row[1], row[0]) for kind in range(_WRITTEN) for row in groups.get(kind, ()))
    shown = Shown(shared | doubtful | merged | written, marks)
    found = written.keys() | merged.keys()
    # Whether what was left out by the limit would stand in its place only the rule knows.
    unsure = {row[3] for row in groups.get(_DOUBTFUL, ())}
    if unsure:
        ruled = await _ruled(conn, account_id, _until(page, end), unsure)
        await shown.complete(conn, ruled, account_id)
        found |= set(ruled)
    return sorted(found, reverse=not page.ascending), shown, end


async def _ruled(conn: Connection, account_id: int, page: Page, authors: Collection[int]) -> list[int]:
    """Return what these wide authors add to a page, by the whole rule."""
    query = _query(_RULED, page)
    return [row[0] for row in await conn.fetch(query, account_id, page.below, page.above, list(authors))]


def _alive(
    rows: Iterable[Record], authors: Mapping[int, int], shared: Container[int] = ()
) -> Iterator[Version]:
    """Return what was found of posts whose authors are shown, and what they share, if anything, too."""
    for _, status_id, version, actor_id, of in rows:
        author = authors.get(actor_id)
        if author is not None and (of is None or of in shared):
            yield Version(status_id, version, actor_id, author, of)


def _beyond(page: Page, end: int) -> Page:
    """Return the page that goes on where a stretch ended."""
    if page.ascending:
        return Page(limit=page.limit, max_id=page.max_id, min_id=end)
    return Page(limit=page.limit, max_id=end, since_id=page.since_id)


def _until(page: Page, end: int | None) -> Page:
    """Return the page as far as a stretch of it goes."""
    if end is None:
        return page
    if page.ascending:
        return Page(limit=page.limit, max_id=end, min_id=page.min_id)
    return Page(limit=page.limit, max_id=page.max_id, since_id=end)


def _query(template: str, page: Page) -> str:
    return _written_out(template, page.limit, ascending=page.ascending)


@functools.lru_cache(maxsize=256)
def _written_out(template: str, limit: int, *, ascending: bool) -> str:
    """Return a query for a page; where a stretch is full, wide authors add nothing beyond its end."""
    end, bottom = "(SELECT id FROM h OFFSET :limit - 1)", "(SELECT above FROM b)"
    query = (
        template.replace(":below", f"coalesce({end}, $2)" if ascending else "$2")
        .replace(":above", bottom if ascending else f"coalesce({end}, {bottom})")
        .replace(":order", "ASC" if ascending else "DESC")
    )
    return query.replace(":limit", str(limit))


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
