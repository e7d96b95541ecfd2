"""Muting: the author does not see somebody, who never learns of it."""

from datetime import UTC, datetime, timedelta

from shared.actions.errors import NotAllowed
from shared.actions.site import Site
from shared.actions.targets import require_actor
from shared.database import mutes as table
from shared.database import timelines
from shared.database.authors import Author
from shared.database.pool import Connection

LONGEST = 100 * 366 * 86400
"""Seconds; who mutes for longer mutes for good."""


async def mute(
    conn: Connection,
    site: Site,
    author: Author,
    target_id: int,
    *,
    notifications: bool = True,
    duration: int = 0,
) -> None:
    """Mute an actor, with or without its notifications.

    Args:
        conn: In a transaction.
        site: This site.
        author: Who mutes.
        target_id: Whom.
        notifications: Whether notifications are muted too.
        duration: Seconds; 0 for good.

    Raises:
        NotThere: There is no such actor.
        NotAllowed: It is the author itself.
    """
    target = await require_actor(conn, target_id)
    if target.id == author.id:
        raise NotAllowed("You cannot mute yourself")
    until = datetime.now(UTC) + timedelta(seconds=duration) if 0 < duration < LONGEST else None
    await table.mute(conn, site.ids.next(), author.id, target.id, notifications=notifications, until=until)
    await timelines.prune(conn, [author.id])


async def unmute(conn: Connection, _site: Site, author: Author, target_id: int) -> None:
    """Hear an actor again; raises NotThere where there is none."""
    target = await require_actor(conn, target_id)
    await table.unmute(conn, author.id, target.id)
    await timelines.extend(conn, [author.id])


async def lapse(conn: Connection) -> int:
    """End the mutes whose time is over; return how many they were. Call it inside a transaction."""
    ended = await table.end_expired(conn)
    if ended:
        await timelines.extend(conn, sorted(set(ended)))
    return len(ended)
