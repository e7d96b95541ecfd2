"""Following hashtags: public posts under them come into the home timeline."""

from shared.actions.errors import NotAllowed
from shared.actions.site import Site
from shared.database import tag_follows as table
from shared.database import timelines
from shared.database.authors import Author
from shared.database.pool import Connection

MOST = 500
"""Hashtags that one account may follow."""


async def follow(conn: Connection, site: Site, author: Author, tag: str) -> None:
    """Follow a normalised hashtag; call it inside a transaction. Raises NotAllowed for one too many."""
    await table.follow(conn, site.ids.next(), author.id, tag, MOST)
    if tag not in await table.followed_among(conn, author.id, [tag]):
        raise NotAllowed(f"You can follow at most {MOST} hashtags")
    await timelines.extend(conn, [author.id])


async def unfollow(conn: Connection, author: Author, tag: str) -> None:
    """Follow a normalised hashtag no longer; call it inside a transaction."""
    await table.unfollow(conn, author.id, tag)
    await timelines.prune(conn, [author.id])
