"""Who of those that look on now is concerned by what has just changed."""

from collections.abc import Collection

from msgspec import Struct

from shared.database.api_home import LIST_RULE
from shared.database.api_notifications import NotificationRow
from shared.database.home_rule import POST, RULE
from shared.database.pool import Connection
from shared.protocol.objects import Visibility


class LivePost(Struct, frozen=True, kw_only=True):
    """A post or boost, as far as deciding where it is shown needs it; `tags` are normalised."""

    id: int
    actor_id: int
    local: bool
    visibility: Visibility
    boost: bool
    reply: bool
    media: bool
    deleted: bool
    tags: tuple[str, ...]


async def posts(conn: Connection, ids: Collection[int]) -> dict[int, LivePost]:
    """Return these posts and boosts, tombstones too."""
    rows = await conn.fetch(
        """
        SELECT s.id, s.actor_id, s.local, s.visibility, s.reblog_of_id IS NOT NULL AS boost,
               s.in_reply_to_uri IS NOT NULL AS reply, jsonb_array_length(s.attachments) > 0 AS media,
               s.deleted_at IS NOT NULL AS deleted,
               ARRAY(SELECT t.tag FROM status_tags t WHERE t.status_id = s.id) AS tags
          FROM statuses s WHERE s.id = ANY($1::bigint[])
        """,
        list(ids),
    )
    return {
        row["id"]: LivePost(
            **{**row, "visibility": Visibility(row["visibility"]), "tags": tuple(row["tags"])}
        )
        for row in rows
    }


_HOME_OF = f"""
SELECT h.account_id, h.status_id FROM home_timeline h
 WHERE h.account_id = ANY($2::bigint[]) AND h.status_id = ANY($1::bigint[])
 UNION
SELECT f.follower_id, s.id
  FROM unnest($1::bigint[]) AS k (id)
 {POST}
 CROSS JOIN LATERAL (SELECT true FROM wide_authors w WHERE w.actor_id = s.actor_id OFFSET 0) w
 CROSS JOIN LATERAL (SELECT t.follower_id, t.show_reblogs
                       FROM unnest($2::bigint[]) AS n (account_id)
                       JOIN follows t ON t.follower_id = n.account_id AND t.followee_id = s.actor_id
                      WHERE t.state = 1 AND NOT t.exclusive OFFSET 0) f
 WHERE {RULE}
 ORDER BY 2
"""  # noqa: S608 - constants


async def home_of(
    conn: Connection, status_ids: Collection[int], account_ids: Collection[int]
) -> list[tuple[int, int]]:
    """Return which of these accounts have which of these posts in their home timeline: (account, post)."""
    rows = await conn.fetch(_HOME_OF, list(status_ids), list(account_ids))
    return [(row["account_id"], row["status_id"]) for row in rows]


_LISTS_OF = f"""
SELECT l.id AS list_id, s.id AS status_id
  FROM unnest($1::bigint[]) AS k (id)
 {POST}
 CROSS JOIN LATERAL (SELECT t.* FROM list_members m JOIN lists t ON t.id = m.list_id
                      WHERE m.list_id = ANY($2::bigint[]) AND m.actor_id = s.actor_id OFFSET 0) l
 CROSS JOIN LATERAL (SELECT t.follower_id, t.show_reblogs FROM follows t
                      WHERE t.follower_id = l.account_id AND t.followee_id = s.actor_id
                        AND t.state = 1 OFFSET 0) f
 WHERE {LIST_RULE}
 ORDER BY s.id
"""  # noqa: S608 - constants


async def lists_of(
    conn: Connection, status_ids: Collection[int], list_ids: Collection[int]
) -> list[tuple[int, int]]:
    """Return which of these lists show which of these posts: (list, post)."""
    rows = await conn.fetch(_LISTS_OF, list(status_ids), list(list_ids))
    return [(row["list_id"], row["status_id"]) for row in rows]


async def members_among(
    conn: Connection, actor_ids: Collection[int], list_ids: Collection[int]
) -> set[tuple[int, int]]:
    """Return which of these lists hold which of these actors: (list, actor)."""
    rows = await conn.fetch(
        """
        SELECT list_id, actor_id FROM list_members
         WHERE list_id = ANY($2::bigint[]) AND actor_id = ANY($1::bigint[])
        """,
        list(actor_ids),
        list(list_ids),
    )
    return {(row["list_id"], row["actor_id"]) for row in rows}


async def followers_among(
    conn: Connection, actor_ids: Collection[int], account_ids: Collection[int]
) -> set[tuple[int, int]]:
    """Return which of these accounts follow which of these actors: (account, actor)."""
    rows = await conn.fetch(
        """
        SELECT follower_id, followee_id FROM follows
         WHERE follower_id = ANY($2::bigint[]) AND followee_id = ANY($1::bigint[]) AND state = 1
        """,
        list(actor_ids),
        list(account_ids),
    )
    return {(row["follower_id"], row["followee_id"]) for row in rows}


async def unwelcome(
    conn: Connection, actor_ids: Collection[int], account_ids: Collection[int]
) -> set[tuple[int, int]]:
    """Return which accounts are not shown which actors: (account, actor), for either blocks or one mutes."""
    rows = await conn.fetch(
        """
        SELECT actor_id AS account, target_id AS actor FROM blocks
         WHERE actor_id = ANY($2::bigint[]) AND target_id = ANY($1::bigint[])
         UNION
        SELECT target_id, actor_id FROM blocks
         WHERE target_id = ANY($2::bigint[]) AND actor_id = ANY($1::bigint[])
         UNION
        SELECT actor_id, target_id FROM mutes
         WHERE actor_id = ANY($2::bigint[]) AND target_id = ANY($1::bigint[])
         UNION
        SELECT d.account_id, a.id FROM account_domain_blocks d JOIN actors a ON a.domain = d.domain
         WHERE d.account_id = ANY($2::bigint[]) AND a.id = ANY($1::bigint[])
        """,
        list(actor_ids),
        list(account_ids),
    )
    return {(row["account"], row["actor"]) for row in rows}


async def kept_from_public(conn: Connection, actor_ids: Collection[int]) -> set[int]:
    """Return those of these actors whose posts no public timeline shows: gone, or of a moderated server."""
    rows = await conn.fetch(
        """
        SELECT a.id FROM actors a
         WHERE a.id = ANY($1::bigint[])
           AND (a.suspended_at IS NOT NULL OR a.deleted_at IS NOT NULL
                OR EXISTS (SELECT FROM domain_blocks d
                            WHERE a.domain = d.domain OR a.domain LIKE '%.' || d.domain))
        """,
        list(actor_ids),
    )
    return {row["id"] for row in rows}


async def told(
    conn: Connection, notification_ids: Collection[int], account_ids: Collection[int]
) -> list[tuple[int, NotificationRow]]:
    """Return those of these notifications that are for these accounts: (account, notification)."""
    rows = await conn.fetch(
        """
        SELECT account_id, id, kind, actor_id, status_id, created_at FROM notifications
         WHERE id = ANY($1::bigint[]) AND account_id = ANY($2::bigint[]) AND NOT dismissed
         ORDER BY id
        """,
        list(notification_ids),
        list(account_ids),
    )
    return [
        (
            row["account_id"],
            NotificationRow(
                id=row["id"],
                kind=row["kind"],
                actor_id=row["actor_id"],
                status_id=row["status_id"],
                created_at=row["created_at"],
            ),
        )
        for row in rows
    ]
