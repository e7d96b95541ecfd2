"""Whom an account does not want to hear from; nobody else is told."""

from shared.database.pool import Connection


async def mute(conn: Connection, mute_id: int, actor_id: int, target_id: int, *, notifications: bool) -> None:
    """Mute an actor, with or without its notifications; doing it again changes only that."""
    await conn.execute(
        """
        INSERT INTO mutes (id, actor_id, target_id, notifications) VALUES ($1, $2, $3, $4)
            ON CONFLICT (actor_id, target_id) DO UPDATE SET notifications = excluded.notifications
        """,
        mute_id,
        actor_id,
        target_id,
        notifications,
    )


async def unmute(conn: Connection, actor_id: int, target_id: int) -> None:
    """Hear an actor again."""
    await conn.execute("DELETE FROM mutes WHERE actor_id = $1 AND target_id = $2", actor_id, target_id)
