"""Consent to quotes (FEP-044f): others ask to quote posts of people here, and answer when we ask."""

from collections.abc import Sequence

from services.timeline_builder import emit
from services.timeline_builder.effects import Run
from services.timeline_builder.work import Outcome, Work
from shared.database import blocks, document_posts, follows, quotes, statuses
from shared.database.authors import Author, authors_by_ids
from shared.database.quotes import QuoteRow, QuoteState
from shared.database.standing import Standing
from shared.database.statuses import StatusRow
from shared.policy.quotes import Quoter, may_quote
from shared.protocol.activities import AcceptQuote, QuoteRequest, RejectQuote
from shared.protocol.identifiers import same_origin
from shared.protocol.objects import QuotePolicy

Answer = AcceptQuote | RejectQuote
Pair = tuple[int, int]


class _Asked:
    """A request that is to be answered: who asks, and about whose post."""

    def __init__(self, work: Work[QuoteRequest], who: Standing, author: Author, post: StatusRow) -> None:
        self.work = work
        self.who = who
        self.author = author
        self.post = post

    @property
    def pair(self) -> Pair:
        return (self.who.id, self.author.id)


async def apply_requests(run: Run, works: Sequence[Work[QuoteRequest]]) -> None:
    """Answer requests at once: with a stamp where the author's policy lets them quote, else with a Reject."""
    authors = await _authors(run, works)
    asked = [one for work in works if (one := _judge(run, work, authors)) is not None]
    if not asked:
        return
    policies = await quotes.policies(run.conn, [one.post.id for one in asked])
    following = await follows.between(run.conn, [one.pair for one in asked])
    between = [pair for one in asked for pair in (one.pair, one.pair[::-1])]
    blocked = set(await blocks.existing(run.conn, between))
    for one in asked:
        row = following.get(one.pair)
        quoter = Quoter(
            is_author=one.who.id == one.author.id,
            follows=row is not None and row.state == follows.FollowState.ACCEPTED,
            blocked=one.pair in blocked or one.pair[::-1] in blocked,
        )
        allowed = may_quote(policies.get(one.post.id, QuotePolicy.NOBODY), one.post.visibility, quoter)
        await (_accept if allowed else _reject)(run, one)


async def _authors(run: Run, works: Sequence[Work[QuoteRequest]]) -> dict[int, Author]:
    ids = {post.actor_id for work in works if (post := run.facts.posts.get(work.activity.object)) is not None}
    return {author.id: author for author in await authors_by_ids(run.conn, ids) if author.federated}


def _judge(run: Run, work: Work[QuoteRequest], authors: dict[int, Author]) -> _Asked | None:
    who, post = run.facts.actor(work.activity.actor), run.facts.posts.get(work.activity.object)
    quoting = run.facts.posts.get(work.activity.quoting)
    if who is None:
        work.outcome = Outcome.UNKNOWN_ACTOR
    elif post is None or not post.local or post.reblog_of_id is not None or post.actor_id not in authors:
        work.outcome = Outcome.UNKNOWN_OBJECT
    elif post.deleted_at is not None:
        work.outcome = Outcome.DELETED
    elif quoting is not None and quoting.actor_id != who.id:
        work.outcome = Outcome.NOT_PERMITTED
    else:
        return _Asked(work, who, authors[post.actor_id], post)
    return None


async def _accept(run: Run, one: _Asked) -> None:
    asked, quote_id = one.work.activity, run.site.ids.next()
    stamp = run.site.uris.quote_authorization(quote_id)
    row = QuoteRow(
        id=quote_id,
        quoting_uri=asked.quoting,
        actor_uri=asked.actor,
        quoted_uri=asked.object,
        state=QuoteState.ACCEPTED,
        stamp_uri=stamp,
    )
    if not await quotes.store(run.conn, [row]):
        known = (await quotes.by_quoting(run.conn, [asked.quoting])).get(asked.quoting)
        if known is None or known.state is not QuoteState.ACCEPTED or known.actor_uri != asked.actor:
            # It was allowed once and is not any more.
            await _reject(run, one)
            return
        stamp = known.stamp_uri
    emit.accept_quote(run, one.author.uri, asked, stamp, one.work.accepted.trace)
    quoting = run.facts.posts.get(asked.quoting)
    if quoting is not None:
        run.tell(one.author.id, "quote", one.who.id, quoting.id)
        run.changes.edit(quoting.id)


async def _reject(run: Run, one: _Asked) -> None:
    one.work.outcome = Outcome.NOT_PERMITTED
    emit.reject_quote(run, one.author.uri, one.work.activity, one.work.accepted.trace)


async def apply_answers(run: Run, works: Sequence[Work[Answer]]) -> None:
    """Note what the authors say whom people here asked; with their consent other servers are told again."""
    known = await quotes.by_request(run.conn, [work.activity.request_id for work in works])
    quoted = await statuses.by_uris(run.conn, [quote.quoted_uri for quote in known.values()])
    for work in works:
        who, quote = run.facts.actor(work.activity.actor), known.get(work.activity.request_id)
        if who is None:
            work.outcome = Outcome.UNKNOWN_ACTOR
        elif quote is None:
            work.outcome = Outcome.UNKNOWN_OBJECT
        elif (post := quoted.get(quote.quoted_uri)) is None or post.actor_id != who.id:
            work.outcome = Outcome.NOT_PERMITTED
        else:
            await _settle(run, work, quote)


async def _settle(run: Run, work: Work[Answer], quote: QuoteRow) -> None:
    answer = work.activity
    accepted = isinstance(answer, AcceptQuote)
    stamp = answer.stamp if isinstance(answer, AcceptQuote) else ""
    if accepted and not same_origin(stamp, answer.actor):
        work.outcome = Outcome.NOT_PERMITTED
        return
    if not accepted and quote.state is QuoteState.ACCEPTED:
        # A Reject that comes after the Accept takes it back.
        await quotes.revoke(run.conn, [quote.id])
    elif not await quotes.settle(
        run.conn, quote.id, QuoteState.ACCEPTED if accepted else QuoteState.REJECTED, stamp
    ):
        work.outcome = Outcome.OUTDATED
        return
    post = (await statuses.by_uris(run.conn, [quote.quoting_uri])).get(quote.quoting_uri)
    if post is None or post.deleted_at is not None:
        return
    run.changes.edit(post.id)
    document = await document_posts.post_by_id(run.conn, post.id)
    if document is not None and document.federated and not document.author_gone:
        run.send(emit.update_of_post(run.site, document))
