"""Blocking: neither sees the other any more."""

from shared.actions.errors import NotAllowed
from shared.actions.follows import end_followed, end_following
from shared.actions.site import Site
from shared.actions.targets import require_actor
from shared.actions.tell import tell
from shared.database import blocks as table
from shared.database import timelines
from shared.database.authors import Author
from shared.database.blocks import BlockRow
from shared.database.counters import Counts
from shared.database.notifications import withdraw_between
from shared.database.pool import Connection
from shared.protocol.activities import Block, Undo


async def block(conn: Connection, site: Site, author: Author, target_id: int) -> None:
    """Block an actor: follows in both directions end. Call it inside a transaction.

    Raises:
        NotThere: There is no such actor.
        NotAllowed: It is the author itself.
    """
    target = await require_actor(conn, target_id)
    if target.id == author.id:
        raise NotAllowed("You cannot block yourself")
    counts = Counts()
    await end_following(conn, site, author, target, counts)
    await end_followed(conn, site, author, target, counts)
    row = BlockRow(
        id=(block_id := site.ids.next()),
        uri=site.uris.activity(block_id),
        actor_id=author.id,
        target_id=target.id,
    )
    if await table.insert(conn, [row]):
        await timelines.prune(conn, [author.id, target.id])
        await withdraw_between(conn, [(author.id, target.id), (target.id, author.id)])
        activity = Block(id=row.uri, actor=author.uri, to=(target.uri,), object=target.uri)
        await tell(conn, author, activity, here=target.local, away=not target.local)
    await counts.write(conn)


async def unblock(conn: Connection, site: Site, author: Author, target_id: int) -> None:
    """Lift a block; call it inside a transaction."""
    target = await require_actor(conn, target_id)
    for row in await table.remove(conn, [(author.id, target.id)]):
        await timelines.extend(conn, [author.id, target.id])
        activity = Undo(
            id=site.uris.activity(site.ids.next()),
            actor=author.uri,
            to=(target.uri,),
            undone_id=row.uri,
            undone_type="Block",
            object=target.uri,
        )
        await tell(conn, author, activity, here=target.local, away=not target.local)
