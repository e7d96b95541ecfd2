"""An account that is deleted: what it leaves behind, and the end of it."""

from shared.database.pool import Connection


async def follows_of(conn: Connection, actor_id: int) -> list[tuple[int, int]]:
    """Return (follower, followee) of every follow by or of an actor."""
    rows = await conn.fetch(
        """
        SELECT follower_id, followee_id FROM follows WHERE follower_id = $1
         UNION ALL
        SELECT follower_id, followee_id FROM follows WHERE followee_id = $1
        """,
        actor_id,
    )
    return [(row["follower_id"], row["followee_id"]) for row in rows]


async def likes_of(conn: Connection, actor_id: int) -> list[tuple[int, int]]:
    """Return (actor, post) of every like by an actor."""
    rows = await conn.fetch("SELECT actor_id, status_id FROM favourites WHERE actor_id = $1", actor_id)
    return [(row["actor_id"], row["status_id"]) for row in rows]


async def posts_of(conn: Connection, actor_id: int) -> list[int]:
    """Return the posts and boosts of an actor that are not tombstones yet."""
    rows = await conn.fetch("SELECT id FROM statuses WHERE actor_id = $1 AND deleted_at IS NULL", actor_id)
    return [row["id"] for row in rows]


async def forget(conn: Connection, actor_id: int) -> None:
    """Mark an actor as deleted and empty its profile; its name, URI and tombstones stay."""
    await conn.execute(
        """
        WITH blocks AS (DELETE FROM blocks WHERE actor_id = $1 OR target_id = $1),
             mutes AS (DELETE FROM mutes WHERE target_id = $1 OR actor_id = $1),
             told AS (DELETE FROM notifications WHERE actor_id = $1 OR account_id = $1),
             lists AS (DELETE FROM lists WHERE account_id = $1),
             tags AS (DELETE FROM tag_follows WHERE account_id = $1),
             servers AS (DELETE FROM account_domain_blocks WHERE account_id = $1),
             wide AS (DELETE FROM wide_authors WHERE actor_id = $1),
             home AS (DELETE FROM home_timeline WHERE account_id = $1)
        UPDATE actors SET deleted_at = coalesce(deleted_at, now()), display_name = '', summary = '',
               icon = '', image = '', fields = '[]', emojis = '[]', also_known_as = '{}',
               statuses_count = 0, followers_count = 0, following_count = 0
         WHERE id = $1
        """,
        actor_id,
    )
