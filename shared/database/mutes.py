"""Whom an account does not want to hear from; nobody else is told."""

from datetime import datetime

from shared.database.pool import Connection

LAPSED_AT_ONCE = 1000


async def mute(
    conn: Connection,
    mute_id: int,
    actor_id: int,
    target_id: int,
    *,
    notifications: bool,
    until: datetime | None = None,
) -> None:
    """Mute an actor, with or without its notifications, for good or for a time; the latest wish holds."""
    await conn.execute(
        """
        INSERT INTO mutes (id, actor_id, target_id, notifications, expires_at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (actor_id, target_id)
            DO UPDATE SET notifications = excluded.notifications, expires_at = excluded.expires_at
        """,
        mute_id,
        actor_id,
        target_id,
        notifications,
        until,
    )


async def unmute(conn: Connection, actor_id: int, target_id: int) -> None:
    """Hear an actor again."""
    await conn.execute("DELETE FROM mutes WHERE actor_id = $1 AND target_id = $2", actor_id, target_id)


async def end_expired(conn: Connection) -> list[int]:
    """End some of the mutes whose time is over; return whose they were, one entry for each."""
    rows = await conn.fetch(
        """
        WITH over AS MATERIALIZED (
            SELECT actor_id, target_id FROM mutes WHERE expires_at <= now() LIMIT $1 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM mutes m USING over o WHERE m.actor_id = o.actor_id AND m.target_id = o.target_id
        RETURNING m.actor_id
        """,
        LAPSED_AT_ONCE,
    )
    return [row["actor_id"] for row in rows]
