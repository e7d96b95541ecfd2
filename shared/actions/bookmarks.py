"""Bookmarks: posts that the author keeps for itself."""

from shared.actions.site import Site
from shared.actions.targets import require_post
from shared.database import bookmarks as table
from shared.database.authors import Author
from shared.database.pool import Connection


async def bookmark(conn: Connection, site: Site, author: Author, status_id: int) -> None:
    """Keep a post; raises NotThere where there is none for the author."""
    post = await require_post(conn, status_id, author.id)
    await table.bookmark(conn, site.ids.next(), author.id, post.id)


async def unbookmark(conn: Connection, _site: Site, author: Author, status_id: int) -> None:
    """Keep a post no longer; raises NotThere where there is none for the author."""
    post = await require_post(conn, status_id, author.id)
    await table.unbookmark(conn, author.id, post.id)
