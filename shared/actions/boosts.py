"""Boosting posts: sharing them with one's own followers."""

from datetime import UTC, datetime

from shared.actions.errors import NotAllowed, NotThere
from shared.actions.site import Site
from shared.actions.targets import require_actor, require_post
from shared.actions.tell import tell
from shared.database import statuses, tombstones
from shared.database.authors import Author
from shared.database.counters import Counts
from shared.database.notifications import withdraw_about
from shared.database.own_posts import boost_by, show_own
from shared.database.pool import Connection
from shared.database.statuses import NewBoost, StatusRow
from shared.policy.visibility import Viewer, may_boost
from shared.protocol.activities import Announce, Undo
from shared.protocol.addressing import audience_for
from shared.protocol.identifiers import milliseconds_of
from shared.protocol.objects import Visibility


async def boost(
    conn: Connection,
    site: Site,
    author: Author,
    status_id: int,
    visibility: Visibility = Visibility.PUBLIC,
) -> int:
    """Boost a post and return the boost's id, the present one where it is boosted already.

    A boost is never more public than what it shares. Call it inside a transaction.

    Raises:
        NotThere: There is no such post for the author.
        NotAllowed: The post is not for everybody, and not the author's own for their followers.
    """
    post = await require_post(conn, status_id, author.id)
    known = await boost_by(conn, author.id, post.id)
    if known is not None:
        return known
    _check_allowed(author, post)
    writer = await require_actor(conn, post.actor_id)
    row = _new_boost(site, author, post, max(visibility, post.visibility))
    if not await statuses.insert_boosts(conn, [row]):
        return await _boosted_meanwhile(conn, author, post)
    await show_own(conn, author.id, row.id)
    to, cc = audience_for(row.visibility, author.followers_uri, [writer.uri])
    activity = Announce(id=row.uri, actor=author.uri, to=to, cc=cc, published=row.created_at, object=post.uri)
    await tell(conn, author, activity, here=True, away=True)
    counts = Counts()
    counts.boost(post.id)
    counts.post(author.id, row.visibility, at=row.created_at)
    await counts.write(conn)
    return row.id


async def unboost(conn: Connection, site: Site, author: Author, status_id: int) -> None:
    """Take a boost back; call it inside a transaction."""
    post = await require_post(conn, status_id, author.id)
    writer = await require_actor(conn, post.actor_id)
    boost_id = await boost_by(conn, author.id, post.id)
    row = None if boost_id is None else await statuses.by_id(conn, boost_id)
    counts = Counts()
    if row is None or not await tombstones.bury(conn, [row.id], counts):
        return
    await withdraw_about(conn, [("reblog", author.id, post.id)])
    to, cc = audience_for(row.visibility, author.followers_uri, [writer.uri])
    activity = Undo(
        id=site.uris.activity(site.ids.next()),
        actor=author.uri,
        to=to,
        cc=cc,
        undone_id=row.uri,
        undone_type="Announce",
        object=post.uri,
    )
    await tell(conn, author, activity, here=True, away=True)
    await counts.write(conn)


async def _boosted_meanwhile(conn: Connection, author: Author, post: StatusRow) -> int:
    known = await boost_by(conn, author.id, post.id)
    if known is None:
        raise NotThere("Record not found")
    return known


def _check_allowed(author: Author, post: StatusRow) -> None:
    if not may_boost(post.visibility, Viewer(is_author=post.actor_id == author.id)):
        raise NotAllowed("This action is not allowed")


def _new_boost(site: Site, author: Author, post: StatusRow, visibility: Visibility) -> NewBoost:
    boost_id = site.ids.next()
    return NewBoost(
        id=boost_id,
        uri=site.uris.create(boost_id),
        local=True,
        actor_id=author.id,
        reblog_of_id=post.id,
        conversation_id=post.conversation_id,
        visibility=min(visibility, Visibility.FOLLOWERS),
        created_at=datetime.fromtimestamp(milliseconds_of(boost_id) / 1000, UTC),
    )
