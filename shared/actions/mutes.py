"""Muting: the author does not see somebody, who never learns of it."""

from shared.actions.errors import NotAllowed
from shared.actions.site import Site
from shared.actions.targets import require_actor
from shared.database import mutes as table
from shared.database import timelines
from shared.database.authors import Author
from shared.database.pool import Connection


async def mute(
    conn: Connection, site: Site, author: Author, target_id: int, *, notifications: bool = True
) -> None:
    """Mute an actor, with or without its notifications.

    Raises:
        NotThere: There is no such actor.
        NotAllowed: It is the author itself.
    """
    target = await require_actor(conn, target_id)
    if target.id == author.id:
        raise NotAllowed("You cannot mute yourself")
    await table.mute(conn, site.ids.next(), author.id, target.id, notifications=notifications)
    await timelines.prune(conn, [author.id])


async def unmute(conn: Connection, _site: Site, author: Author, target_id: int) -> None:
    """Hear an actor again; raises NotThere where there is none."""
    target = await require_actor(conn, target_id)
    await table.unmute(conn, author.id, target.id)
    await timelines.extend(conn, [(author.id, target.id)])
