"""Reporting people and their posts to the operators, here and elsewhere."""

from typing import Final

from msgspec import Struct

from shared.actions.errors import NotThere
from shared.actions.site import Site
from shared.actions.targets import require_actor, require_post
from shared.actions.tell import tell_as_site
from shared.database import reports
from shared.database.authors import Author
from shared.database.pool import Connection
from shared.database.reports import NewReport
from shared.protocol.activities import Flag

MAX_COMMENT: Final = 1000
MAX_POSTS: Final = 50


class Complaint(Struct, frozen=True, kw_only=True):
    """What somebody reports; `forward` asks to tell the server of the person, in the name of this site."""

    target_id: int
    status_ids: tuple[int, ...] = ()
    comment: str = ""
    category: str = "other"
    forward: bool = False


async def report(conn: Connection, site: Site, author: Author, complaint: Complaint) -> NewReport:
    """Store a report and send it on where that is wanted; call it inside a transaction.

    The other server does not learn who reports.

    Raises:
        NotThere: There is no such person, or no such post of theirs for the author.
    """
    target = await require_actor(conn, complaint.target_id)
    posts = [await require_post(conn, status_id, author.id) for status_id in complaint.status_ids]
    if any(post.actor_id != target.id for post in posts):
        raise NotThere("Record not found")
    made = NewReport(
        id=(report_id := site.ids.next()),
        uri=site.uris.activity(report_id),
        local=True,
        actor_id=author.id,
        target_id=target.id,
        status_uris=tuple(post.uri for post in posts),
        comment=complaint.comment,
        category=complaint.category,
        forwarded=complaint.forward and not target.local,
    )
    await reports.insert(conn, [made])
    if made.forwarded:
        flag = Flag(
            id=made.uri,
            actor=site.uris.instance_actor,
            to=(target.uri,),
            objects=(target.uri, *made.status_uris),
            content=made.comment,
        )
        await tell_as_site(conn, flag)
    return made
