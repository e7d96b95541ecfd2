"""Showing hashtags on one's profile."""

from typing import Final

from shared.actions.errors import NotPossible, NotThere
from shared.actions.site import Site
from shared.database import featured_tags as table
from shared.database.authors import Author
from shared.database.featured_tags import FeaturedTag
from shared.database.pool import Connection
from shared.protocol.text.hashtags import is_tag, normalise_tag

MOST: Final = 10
"""Hashtags that one profile may show."""


async def feature(conn: Connection, site: Site, author: Author, name: str) -> FeaturedTag:
    """Show a hashtag, written with or without its #; call it inside a transaction.

    Raises:
        NotPossible: It is no hashtag, is shown already, or is one too many.
    """
    name = name.strip().lstrip("#\uff03")
    if not is_tag(name):
        raise NotPossible("Name is invalid")
    shown = await table.of_account(conn, author.id)
    made = FeaturedTag(id=site.ids.next(), tag=normalise_tag(name), name=name)
    if made.tag in {one.tag for one in shown}:
        raise NotPossible("Name has already been taken")
    if not await table.insert(conn, author.id, [made], MOST):
        raise NotPossible("You have already featured the maximum number of hashtags")
    return made


async def unfeature(conn: Connection, author: Author, featured_id: int) -> None:
    """Show a hashtag no longer; raises NotThere."""
    if not await table.remove(conn, author.id, featured_id):
        raise NotThere("Record not found")
