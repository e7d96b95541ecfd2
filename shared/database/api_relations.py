"""What lies between accounts, and the lists of accounts that follow from it."""

from collections.abc import Collection, Sequence
from datetime import datetime

from msgspec import Struct

from shared.database.paging import Page
from shared.database.pool import Connection


class RelationRow(Struct, frozen=True, kw_only=True):
    """How a viewer and another account stand to each other."""

    id: int
    following: bool
    showing_reblogs: bool
    requested: bool
    followed_by: bool
    requested_by: bool
    blocking: bool
    blocked_by: bool
    muting: bool
    muting_notifications: bool
    muting_expires_at: datetime | None
    domain_blocking: bool


async def relations(conn: Connection, viewer_id: int, ids: Collection[int]) -> Sequence[RelationRow]:
    """Return how the viewer stands to each of these accounts, in their order; unknown ones are left out."""
    rows = await conn.fetch(
        """
        SELECT a.id,
               coalesce(o.state = 1, false) AS following, coalesce(o.show_reblogs, false) AS showing_reblogs,
               coalesce(o.state = 0, false) AS requested, coalesce(i.state = 1, false) AS followed_by,
               coalesce(i.state = 0, false) AS requested_by, b.actor_id IS NOT NULL AS blocking,
               EXISTS (SELECT FROM blocks t WHERE t.actor_id = a.id AND t.target_id = $1) AS blocked_by,
               m.actor_id IS NOT NULL AS muting, coalesce(m.notifications, false) AS muting_notifications,
               m.expires_at AS muting_expires_at,
               EXISTS (SELECT FROM account_domain_blocks d
                        WHERE d.account_id = $1 AND d.domain = a.domain) AS domain_blocking
          FROM unnest($2::bigint[]) WITH ORDINALITY AS w (id, place)
          JOIN actors a ON a.id = w.id AND a.deleted_at IS NULL
          LEFT JOIN follows o ON o.follower_id = $1 AND o.followee_id = a.id
          LEFT JOIN follows i ON i.follower_id = a.id AND i.followee_id = $1
          LEFT JOIN blocks b ON b.actor_id = $1 AND b.target_id = a.id
          LEFT JOIN mutes m ON m.actor_id = $1 AND m.target_id = a.id
         ORDER BY w.place
        """,
        viewer_id,
        list(ids),
    )
    return [RelationRow(**row) for row in rows]


class Listed(Struct, frozen=True):
    """An account in a list that has ids of its own."""

    cursor: int
    actor_id: int


_FOLLOWERS = """
SELECT f.id AS cursor, f.follower_id AS actor_id
  FROM follows f JOIN actors a ON a.id = f.follower_id
 WHERE f.followee_id = $1 AND f.state = $5 AND f.id < $2 AND f.id > $3
   AND a.deleted_at IS NULL AND a.suspended_at IS NULL
 ORDER BY f.id :order LIMIT $4
"""

_FOLLOWING = """
SELECT f.id AS cursor, f.followee_id AS actor_id
  FROM follows f JOIN actors a ON a.id = f.followee_id
 WHERE f.follower_id = $1 AND f.state = 1 AND f.id < $2 AND f.id > $3
   AND a.deleted_at IS NULL AND a.suspended_at IS NULL
 ORDER BY f.id :order LIMIT $4
"""

_BLOCKED = """
SELECT b.id AS cursor, b.target_id AS actor_id FROM blocks b JOIN actors a ON a.id = b.target_id
 WHERE b.actor_id = $1 AND b.id < $2 AND b.id > $3 AND a.deleted_at IS NULL
 ORDER BY b.id :order LIMIT $4
"""

_MUTED = """
SELECT m.id AS cursor, m.target_id AS actor_id FROM mutes m JOIN actors a ON a.id = m.target_id
 WHERE m.actor_id = $1 AND m.id < $2 AND m.id > $3 AND a.deleted_at IS NULL
 ORDER BY m.id :order LIMIT $4
"""

_FAVOURITED_BY = """
SELECT f.id AS cursor, f.actor_id FROM favourites f JOIN actors a ON a.id = f.actor_id
 WHERE f.status_id = $1 AND f.id < $2 AND f.id > $3 AND a.deleted_at IS NULL AND a.suspended_at IS NULL
 ORDER BY f.id :order LIMIT $4
"""

_REBLOGGED_BY = """
SELECT s.id AS cursor, s.actor_id FROM statuses s JOIN actors a ON a.id = s.actor_id
 WHERE s.reblog_of_id = $1 AND s.deleted_at IS NULL AND s.id < $2 AND s.id > $3
   AND a.deleted_at IS NULL AND a.suspended_at IS NULL
 ORDER BY s.id :order LIMIT $4
"""


async def followers(conn: Connection, actor_id: int, page: Page) -> Sequence[Listed]:
    """Return a page of an account's followers, the latest first."""
    return await _listed(conn, _FOLLOWERS, actor_id, page, 1)


async def follow_requests(conn: Connection, actor_id: int, page: Page) -> Sequence[Listed]:
    """Return a page of those who asked to follow a locked account."""
    return await _listed(conn, _FOLLOWERS, actor_id, page, 0)


async def following(conn: Connection, actor_id: int, page: Page) -> Sequence[Listed]:
    """Return a page of whom an account follows, the latest first."""
    return await _listed(conn, _FOLLOWING, actor_id, page)


async def blocked(conn: Connection, actor_id: int, page: Page) -> Sequence[Listed]:
    """Return a page of whom an account blocks."""
    return await _listed(conn, _BLOCKED, actor_id, page)


async def muted(conn: Connection, actor_id: int, page: Page) -> Sequence[Listed]:
    """Return a page of whom an account mutes."""
    return await _listed(conn, _MUTED, actor_id, page)


async def favourited_by(conn: Connection, status_id: int, page: Page) -> Sequence[Listed]:
    """Return a page of who likes a post."""
    return await _listed(conn, _FAVOURITED_BY, status_id, page)


async def reblogged_by(conn: Connection, status_id: int, page: Page) -> Sequence[Listed]:
    """Return a page of who boosted a post."""
    return await _listed(conn, _REBLOGGED_BY, status_id, page)


async def _listed(conn: Connection, template: str, subject: int, page: Page, *more: int) -> Sequence[Listed]:
    rows = await conn.fetch(page.query(template), subject, page.below, page.above, page.limit, *more)
    return page.newest_first([Listed(row["cursor"], row["actor_id"]) for row in rows])


class Familiar(Struct, frozen=True):
    """A follower of `actor_id` whom the viewer follows."""

    actor_id: int
    follower_id: int


async def familiar_followers(conn: Connection, viewer_id: int, ids: Collection[int]) -> Sequence[Familiar]:
    """Return which of those the viewer follows follow each of these accounts."""
    rows = await conn.fetch(
        """
        SELECT f.followee_id, f.follower_id
          FROM follows f
          JOIN actors a ON a.id = f.followee_id AND NOT a.hide_collections
          JOIN follows mine ON mine.follower_id = $1 AND mine.followee_id = f.follower_id AND mine.state = 1
         WHERE f.followee_id = ANY($2::bigint[]) AND f.state = 1
         ORDER BY f.id DESC
         LIMIT 200
        """,
        viewer_id,
        list(ids),
    )
    return [Familiar(row["followee_id"], row["follower_id"]) for row in rows]
