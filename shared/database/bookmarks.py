"""Posts that an account keeps for itself; nobody else is told."""

from shared.database.pool import Connection


async def bookmark(conn: Connection, bookmark_id: int, actor_id: int, status_id: int) -> None:
    """Keep a post; keeping it twice is once."""
    await conn.execute(
        "INSERT INTO bookmarks (id, actor_id, status_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        bookmark_id,
        actor_id,
        status_id,
    )


async def unbookmark(conn: Connection, actor_id: int, status_id: int) -> None:
    """Keep a post no longer."""
    await conn.execute("DELETE FROM bookmarks WHERE actor_id = $1 AND status_id = $2", actor_id, status_id)
