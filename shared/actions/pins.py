"""Pinning own posts to the profile."""

from typing import Final

from shared.actions.errors import NotPossible
from shared.actions.site import Site
from shared.actions.targets import require_post
from shared.actions.tell import tell
from shared.database import pins
from shared.database.authors import Author
from shared.database.pool import Connection
from shared.database.statuses import StatusRow
from shared.protocol.activities import Add, Remove
from shared.protocol.addressing import audience_for
from shared.protocol.objects import Visibility

MAX_PINS: Final = 5


async def pin(conn: Connection, site: Site, author: Author, status_id: int) -> None:
    """Pin an own post; doing it again changes nothing. Call it inside a transaction.

    Raises:
        NotThere: There is no such post for the author.
        NotPossible: It is another's, a direct message, or one too many.
    """
    post = await require_post(conn, status_id, author.id)
    _check_own(author, post)
    number = await pins.number_of(conn, author.id)
    if not await pins.insert(conn, [(site.ids.next(), author.id, post.id)]):
        return
    if number >= MAX_PINS:
        raise NotPossible("You have already pinned the maximum number of posts")
    to, cc = audience_for(post.visibility, author.followers_uri, ())
    activity = Add(
        id=site.uris.activity(site.ids.next()),
        actor=author.uri,
        to=to,
        cc=cc,
        object=post.uri,
        target=site.uris.featured(author.id),
    )
    await tell(conn, author, activity, here=False, away=True)


async def unpin(conn: Connection, site: Site, author: Author, status_id: int) -> None:
    """Unpin an own post; call it inside a transaction, raises NotThere."""
    post = await require_post(conn, status_id, author.id)
    if not await pins.remove(conn, [(author.id, post.id)]):
        return
    to, cc = audience_for(post.visibility, author.followers_uri, ())
    activity = Remove(
        id=site.uris.activity(site.ids.next()),
        actor=author.uri,
        to=to,
        cc=cc,
        object=post.uri,
        target=site.uris.featured(author.id),
    )
    await tell(conn, author, activity, here=False, away=True)


def _check_own(author: Author, post: StatusRow) -> None:
    if post.actor_id != author.id:
        raise NotPossible("Someone else's post cannot be pinned")
    if post.visibility is Visibility.DIRECT or post.reblog_of_id is not None:
        raise NotPossible("This post cannot be pinned")
