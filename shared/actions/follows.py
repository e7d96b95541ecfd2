"""Following, and answering those who ask to follow."""

from shared.actions.errors import NotAllowed
from shared.actions.site import Site
from shared.actions.targets import require_actor
from shared.actions.tell import tell
from shared.database import account_domain_blocks, timelines
from shared.database import follows as table
from shared.database.actors import ActorRow
from shared.database.authors import Author
from shared.database.blocks import existing
from shared.database.counters import Counts
from shared.database.follows import FollowRow, FollowState
from shared.database.follows_settings import set_show_reblogs
from shared.database.notifications import withdraw
from shared.database.pool import Connection
from shared.protocol.activities import Accept, Follow, Reject, Undo


async def follow(
    conn: Connection, site: Site, author: Author, target_id: int, *, show_reblogs: bool | None = None
) -> None:
    """Follow an actor, or change how; call it inside a transaction.

    A follow of an unlocked local account holds at once; any other one waits for its Accept.

    Raises:
        NotThere: There is no such actor.
        NotAllowed: It is the author itself, one of the two blocks the other, or the author does not
            federate and the actor is remote.
    """
    target = await require_actor(conn, target_id)
    pair = (author.id, target.id)
    if pair in await table.between(conn, [pair]):
        await _change(conn, author, target, show_reblogs)
        return
    await _check_allowed(conn, author, target)
    row = _new_follow(site, author, target, show_reblogs=show_reblogs is not False)
    if not await table.insert(conn, [row]):
        return
    activity = Follow(id=row.uri, actor=author.uri, to=(target.uri,), object=target.uri)
    await tell(conn, author, activity, here=target.local, away=not target.local)
    if row.state is FollowState.ACCEPTED:
        counts = Counts()
        counts.follow(row.follower_id, row.followee_id)
        await counts.write(conn)


async def unfollow(conn: Connection, site: Site, author: Author, target_id: int) -> None:
    """Follow an actor no longer, or take back the request; call it inside a transaction."""
    target = await require_actor(conn, target_id)
    counts = Counts()
    await end_following(conn, site, author, target, counts)
    await counts.write(conn)


async def authorize(conn: Connection, site: Site, author: Author, follower_id: int) -> None:
    """Let somebody in who asked to follow; call it inside a transaction."""
    follower = await require_actor(conn, follower_id)
    counts = Counts()
    for row in await table.accept(conn, [(follower.id, author.id)]):
        counts.follow(row.follower_id, row.followee_id)
        await _answered(conn, author, follower)
        accept = Accept(
            id=site.uris.activity(site.ids.next()),
            actor=author.uri,
            to=(follower.uri,),
            follow_id=row.uri,
            follower=follower.uri,
            followee=author.uri,
        )
        await tell(conn, author, accept, here=follower.local, away=not follower.local)
    if follower.local:
        await timelines.extend(conn, [follower.id])
    await counts.write(conn)


async def reject(conn: Connection, site: Site, author: Author, follower_id: int) -> None:
    """Turn away somebody who asked to follow, or follows; call it inside a transaction.

    Removing a follower is a Reject that comes late (ActivityPub section 6.7).
    """
    follower = await require_actor(conn, follower_id)
    counts = Counts()
    await end_followed(conn, site, author, follower, counts)
    await counts.write(conn)


async def end_following(
    conn: Connection, site: Site, author: Author, target: ActorRow, counts: Counts
) -> None:
    """Have the author follow an actor no longer; the caller writes the counts."""
    for row in await table.remove(conn, [(author.id, target.id)]):
        _uncount(row, counts)
        await timelines.prune(conn, [author.id])
        await withdraw(conn, [(target.id, kind, author.id) for kind in _TOLD])
        activity = Undo(
            id=site.uris.activity(site.ids.next()),
            actor=author.uri,
            to=(target.uri,),
            undone_id=row.uri,
            undone_type="Follow",
            object=target.uri,
        )
        await tell(conn, author, activity, here=target.local, away=not target.local)


async def end_followed(
    conn: Connection, site: Site, author: Author, follower: ActorRow, counts: Counts
) -> None:
    """Have an actor follow the author no longer; the caller writes the counts."""
    for row in await table.remove(conn, [(follower.id, author.id)]):
        _uncount(row, counts)
        await _answered(conn, author, follower)
        if follower.local:
            await timelines.prune(conn, [follower.id])
        answer = Reject(
            id=site.uris.activity(site.ids.next()),
            actor=author.uri,
            to=(follower.uri,),
            follow_id=row.uri,
            follower=follower.uri,
            followee=author.uri,
        )
        await tell(conn, author, answer, here=follower.local, away=not follower.local)


_TOLD = ("follow", "follow_request")


def _new_follow(site: Site, author: Author, target: ActorRow, *, show_reblogs: bool) -> FollowRow:
    at_once = target.local and not target.locked
    return FollowRow(
        id=(follow_id := site.ids.next()),
        uri=site.uris.activity(follow_id),
        follower_id=author.id,
        followee_id=target.id,
        state=FollowState.ACCEPTED if at_once else FollowState.REQUESTED,
        show_reblogs=show_reblogs,
    )


async def _change(conn: Connection, author: Author, target: ActorRow, show_reblogs: bool | None) -> None:
    if show_reblogs is None:
        return
    await set_show_reblogs(conn, author.id, target.id, show_reblogs=show_reblogs)
    if show_reblogs:
        await timelines.extend(conn, [author.id])
    else:
        await timelines.prune(conn, [author.id])


async def _check_allowed(conn: Connection, author: Author, target: ActorRow) -> None:
    if target.id == author.id:
        raise NotAllowed("You cannot follow yourself")
    if await existing(conn, [(author.id, target.id), (target.id, author.id)]):
        raise NotAllowed("This action is not allowed")
    if await account_domain_blocks.blocks(conn, author.id, target.domain):
        raise NotAllowed("This action is not allowed")
    if not target.local and not author.federated:
        raise NotAllowed("Federation is switched off for this account")


async def _answered(conn: Connection, author: Author, follower: ActorRow) -> None:
    """Ask the author no longer about a request."""
    await withdraw(conn, [(author.id, "follow_request", follower.id)])


def _uncount(row: FollowRow, counts: Counts) -> None:
    if row.state is FollowState.ACCEPTED:
        counts.follow(row.follower_id, row.followee_id, by=-1)
