"""Quoting posts, and saying who may quote one's own (FEP-044f)."""

from datetime import UTC, datetime

from shared.actions.errors import NotAllowed, NotPossible, NotThere
from shared.actions.site import Site
from shared.actions.targets import require_actor, require_post
from shared.actions.tell import tell
from shared.database import blocks, follows, quotes, statuses
from shared.database.authors import Author
from shared.database.document_posts import post_by_id
from shared.database.follows import FollowState
from shared.database.notifications import withdraw_about
from shared.database.pool import Connection
from shared.database.quotes import QuoteRow, QuoteState
from shared.database.statuses import NewStatus, StatusRow
from shared.policy.quotes import Expected, Quoter, expected
from shared.protocol.activities import Delete, QuoteRequest, UpdateNote
from shared.protocol.identifiers import PUBLIC
from shared.protocol.objects import QuotePolicy, Visibility


async def quotable(
    conn: Connection, author: Author, status_id: int | None, visibility: Visibility
) -> StatusRow | None:
    """Return the post that is quoted, of a boost what it shares; None where none is.

    Raises:
        NotThere: There is no such post for the author.
        NotAllowed: Federation is switched off for the author, and the post is another server's.
        NotPossible: Its author does not let this author quote it, or it is not open to all.
    """
    if status_id is None:
        return None
    post = await require_post(conn, status_id, author.id)
    if post.reblog_of_id is not None:
        post = await require_post(conn, post.reblog_of_id, author.id)
    if not post.local and not author.federated:
        raise NotAllowed("Federation is switched off for this account")
    quoter = await _quoter(conn, author, post)
    widened = post.visibility > Visibility.UNLISTED and visibility < post.visibility
    if widened or not await _may_try(conn, post, quoter):
        raise NotPossible("You are not allowed to quote this post")
    return post


async def _may_try(conn: Connection, post: StatusRow, quoter: Quoter) -> bool:
    """Tell whether quoting has a point: where it is for an author elsewhere to say, they are asked."""
    terms = await quotes.terms(conn, post.id)
    return expected(terms, post.visibility, quoter) is not Expected.DENIED


async def _quoter(conn: Connection, author: Author, post: StatusRow) -> Quoter:
    pair = (author.id, post.actor_id)
    known = await follows.between(conn, [pair, pair[::-1]])
    accepted = {one for one, row in known.items() if row.state is FollowState.ACCEPTED}
    return Quoter(
        is_author=post.actor_id == author.id,
        follows=pair in accepted,
        followed=pair[::-1] in accepted,
        blocked=bool(await blocks.existing(conn, [pair, pair[::-1]])),
    )


async def begin(
    conn: Connection, site: Site, author: Author, post: NewStatus, quoted: StatusRow
) -> QuoteRequest | None:
    """Note that a new post quotes another; return what is to be asked of the other's server, if it is one."""
    quote_id = site.ids.next()
    request_id = "" if quoted.local else site.uris.activity(site.ids.next())
    row = QuoteRow(
        id=quote_id,
        quoting_uri=post.uri,
        actor_uri=author.uri,
        quoted_uri=quoted.uri,
        state=QuoteState.ACCEPTED if quoted.local else QuoteState.PENDING,
        stamp_uri=site.uris.quote_authorization(quote_id) if quoted.local else "",
        request_uri=request_id,
    )
    await quotes.store(conn, [row])
    if quoted.local:
        return None
    writer = await require_actor(conn, quoted.actor_id)
    return QuoteRequest(
        id=request_id, actor=author.uri, to=(writer.uri,), object=quoted.uri, quoting=post.uri
    )


async def set_policy(
    conn: Connection, site: Site, author: Author, status_id: int, policy: QuotePolicy
) -> None:
    """Say who may quote an own post from now on, and tell those who have it; call it inside a transaction.

    Raises:
        NotThere: The post does not exist or is another's.
    """
    await _own_post(conn, author, status_id)
    await quotes.set_policy(conn, status_id, policy)
    post = await post_by_id(conn, status_id)
    if post is None:
        raise NotThere("Record not found")
    now = datetime.now(UTC)
    update = UpdateNote(
        id=site.uris.update(status_id, int(now.timestamp() * 1000)),
        actor=author.uri,
        to=post.note.to,
        cc=post.note.cc,
        published=now,
        note=post.note,
    )
    await tell(conn, author, update, here=False, away=True)


async def revoke(conn: Connection, author: Author, quoted_id: int, quoting_id: int) -> None:
    """Take back the consent to a quote of an own post and tell everybody; call it inside a transaction.

    Raises:
        NotThere: There is no such quote of an own post.
    """
    quoted = await _own_post(conn, author, quoted_id)
    quoting = await statuses.by_id(conn, quoting_id)
    quote = None
    if quoting is not None:
        quote = (await quotes.by_quoting(conn, [quoting.uri])).get(quoting.uri)
    if quoting is None or quote is None or quote.quoted_uri != quoted.uri:
        raise NotThere("Record not found")
    if quote.state is not QuoteState.ACCEPTED:
        return
    await quotes.revoke(conn, [quote.id])
    await withdraw_about(conn, [("quote", quoting.actor_id, quoting.id)])
    delete = Delete(
        id=f"{quote.stamp_uri}#delete",
        actor=author.uri,
        to=(PUBLIC, quote.actor_uri),
        cc=(author.followers_uri,),
        object=quote.stamp_uri,
    )
    await tell(conn, author, delete, here=False, away=True)


async def _own_post(conn: Connection, author: Author, status_id: int) -> StatusRow:
    row = await statuses.by_id(conn, status_id)
    if row is None or row.actor_id != author.id or row.deleted_at or row.reblog_of_id is not None:
        raise NotThere("Record not found")
    return row
