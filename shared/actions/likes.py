"""Liking posts."""

from shared.actions.site import Site
from shared.actions.targets import require_actor, require_post
from shared.actions.tell import tell
from shared.database import favourites
from shared.database.authors import Author
from shared.database.counters import Counts
from shared.database.favourites import FavouriteRow
from shared.database.notifications import withdraw_about
from shared.database.pool import Connection
from shared.protocol.activities import Like, Undo


async def like(conn: Connection, site: Site, author: Author, status_id: int) -> None:
    """Like a post; doing it again changes nothing. Call it inside a transaction.

    Raises:
        NotThere: There is no such post for the author.
    """
    post = await require_post(conn, status_id, author.id)
    writer = await require_actor(conn, post.actor_id)
    row = FavouriteRow(
        id=(like_id := site.ids.next()),
        uri=site.uris.activity(like_id),
        actor_id=author.id,
        status_id=post.id,
    )
    if not await favourites.insert(conn, [row]):
        return
    activity = Like(id=row.uri, actor=author.uri, to=(writer.uri,), object=post.uri)
    await tell(conn, author, activity, here=writer.local, away=not writer.local)
    counts = Counts()
    counts.favourite(post.id)
    await counts.write(conn)


async def unlike(conn: Connection, site: Site, author: Author, status_id: int) -> None:
    """Take a like back; call it inside a transaction."""
    post = await require_post(conn, status_id, author.id)
    writer = await require_actor(conn, post.actor_id)
    counts = Counts()
    for row in await favourites.remove(conn, [(author.id, post.id)]):
        counts.favourite(post.id, by=-1)
        await withdraw_about(conn, [("favourite", author.id, post.id)])
        activity = Undo(
            id=site.uris.activity(site.ids.next()),
            actor=author.uri,
            to=(writer.uri,),
            undone_id=row.uri,
            undone_type="Like",
            object=post.uri,
        )
        await tell(conn, author, activity, here=writer.local, away=not writer.local)
    await counts.write(conn)
