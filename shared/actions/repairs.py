"""Putting right who follows a remote actor from here, once its server has said whom it counts (FEP-8fcf)."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.actions.follows import end_following
from shared.actions.site import Site
from shared.actions.tell import tell
from shared.database import actors, follower_digests, follows, timelines
from shared.database.actors import ActorRow
from shared.database.authors import authors_by_ids
from shared.database.counters import Counts
from shared.database.follows import FollowState
from shared.database.pool import Connection
from shared.protocol.activities import Undo

SETTLED: Final = timedelta(minutes=10)
"""What changed less long ago may still be on its way."""

MOST: Final = 200
"""Follows of one actor that are put right at a time."""


async def repair_followers(
    conn: Connection, site: Site, actor_id: int, listed: Collection[str]
) -> tuple[int, int, int]:
    """Put right who follows an actor from here; return how many were ended, let in, and disowned.

    Who follows and is not listed follows no longer. Who asked and is listed was let in. Who is listed and
    does not follow has that undone there, so that nothing is sent here for nobody. Call it inside a
    transaction.

    Args:
        conn: In a transaction.
        site: This site.
        actor_id: The remote actor.
        listed: The accounts of this site that its server counts as followers.
    """
    target = (await actors.by_ids(conn, [actor_id])).get(actor_id)
    if target is None or target.gone or target.local:
        return 0, 0, 0
    known = await follower_digests.local_followers(conn, actor_id)
    settled = [one for one in known if datetime.now(UTC) - one.created_at > SETTLED]
    ended = [
        one.follower_id
        for one in settled
        if one.state is FollowState.ACCEPTED and one.follower_uri not in listed
    ][:MOST]
    let_in = [
        one.follower_id
        for one in settled
        if one.state is FollowState.REQUESTED and one.follower_uri in listed
    ][:MOST]
    strangers = set(listed) - {one.follower_uri for one in known}
    disowned = sorted(number for uri in strangers if (number := site.uris.actor_id(uri)) is not None)[:MOST]
    counts = Counts()
    for author in await authors_by_ids(conn, ended):
        await end_following(conn, site, author, target, counts)
    await _let_in(conn, let_in, target, counts)
    undone = await _disown(conn, site, disowned, target)
    await counts.write(conn)
    return len(ended), len(let_in), undone


async def _let_in(conn: Connection, account_ids: Collection[int], target: ActorRow, counts: Counts) -> None:
    for row in await follows.accept(conn, [(account_id, target.id) for account_id in account_ids]):
        counts.follow(row.follower_id, row.followee_id)
        await timelines.extend(conn, [row.follower_id])


async def _disown(conn: Connection, site: Site, account_ids: Collection[int], target: ActorRow) -> int:
    authors = await authors_by_ids(conn, account_ids)
    for author in authors:
        undo = Undo(
            id=site.uris.activity(site.ids.next()),
            actor=author.uri,
            to=(target.uri,),
            undone_type="Follow",
            object=target.uri,
        )
        await tell(conn, author, undo, here=False, away=True)
    return len(authors)
