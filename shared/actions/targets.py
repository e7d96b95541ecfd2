"""What an action is about: it has to be there."""

from shared.actions.errors import NotThere
from shared.database import actors, statuses
from shared.database.actors import ActorRow
from shared.database.pool import Connection
from shared.database.statuses import StatusRow
from shared.database.visible import visible_to


async def require_actor(conn: Connection, actor_id: int) -> ActorRow:
    """Return an actor; raises NotThere where it is unknown or gone."""
    target = (await actors.by_ids(conn, [actor_id])).get(actor_id)
    if target is None or target.gone:
        raise NotThere("Record not found")
    return target


async def require_post(conn: Connection, status_id: int, viewer_id: int) -> StatusRow:
    """Return a post; raises NotThere where it is unknown, gone or not for this viewer."""
    row = await statuses.by_id(conn, status_id)
    if row is None or row.id not in await visible_to(conn, viewer_id, [row.id]):
        raise NotThere("Record not found")
    return row
