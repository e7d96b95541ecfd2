"""Quotes with consent (FEP-044f), in both directions."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from services.timeline_builder.work import Outcome
from shared.database import quotes
from shared.database.quotes import QuoteRow, QuoteState
from shared.policy.quotes import Circle, QuoteTerms
from shared.protocol.activities import (
    AcceptQuote,
    Activity,
    Create,
    Delete,
    QuoteRequest,
    RejectQuote,
    UpdateNote,
)
from shared.protocol.identifiers import PUBLIC, uri_hash
from shared.protocol.messages import AcceptedActivity, Codec
from shared.protocol.objects import QuotePolicy
from tests.builders import parsed
from tests.builders.parsed import WHEN
from tests.integration.builder.stage import Person, Stage
from tests.integration.builder.test_reactions import local_post


def quoting(author: Person, quoted: str, **changes: object) -> Create:
    """Return the Create of a post that quotes another and asks for consent."""
    return parsed.create(parsed.note(author.uri, quote=quoted, quote_consent=True, **changes))


def request(create: Create) -> QuoteRequest:
    """Return the request for the consent to a quote."""
    note = create.note
    return QuoteRequest(id=f"{note.id}#request", actor=create.actor, object=note.quote or "", quoting=note.id)


async def state(stage: Stage, create: Create) -> QuoteState | None:
    """Return what is known of the quote in a post."""
    async with stage.pool.acquire() as conn:
        row = (await quotes.by_quoting(conn, [create.note.id])).get(create.note.id)
    return None if row is None else row.state


async def policy(stage: Stage, post: str, which: QuotePolicy) -> None:
    """Say who may quote a post."""
    await stage.pool.execute(
        "UPDATE statuses SET quote_policy = $2 WHERE uri_hash = $1", uri_hash(post), which
    )


async def answers(stage: Stage, to: Person) -> list[Activity]:
    """Return what is answered to somebody who asked to quote."""
    return [one for one in await stage.sent(to) if isinstance(one, AcceptQuote | RejectQuote)]


@pytest.mark.parametrize("first", ["post", "request"])
async def test_who_may_quote_gets_a_stamp(stage: Stage, first: str) -> None:
    """A post open to quotes is quoted with our stamp, whichever comes first, and its author learns of it."""
    ada, edith = await stage.here(), await stage.away()
    post = await local_post(stage, ada)
    await stage.follow(edith, ada)
    await stage.follow(ada, edith)
    create = quoting(edith, post)
    order = (create, request(create)) if first == "post" else (request(create), create)
    for activity in order:
        assert await stage.apply(activity) == [Outcome.APPLIED]
    (accept,) = await answers(stage, edith)
    assert isinstance(accept, AcceptQuote)
    assert (accept.actor, accept.request_id, accept.object, accept.quoting) == (
        ada.uri,
        request(create).id,
        post,
        create.note.id,
    )
    assert stage.site.uris.is_local(accept.stamp)
    assert await state(stage, create) is QuoteState.ACCEPTED
    assert await stage.told(ada) == [("quote", edith.id, create.note.id)]


@pytest.mark.parametrize(
    ("which", "follows", "allowed"),
    [
        (QuotePolicy.FOLLOWERS, True, True),
        (QuotePolicy.FOLLOWERS, False, False),
        (QuotePolicy.NOBODY, True, False),
    ],
)
async def test_policy_decides(stage: Stage, which: QuotePolicy, follows: bool, allowed: bool) -> None:
    """Followers may where the author says so, nobody where the author says that; the others are told no."""
    ada, edith = await stage.here(), await stage.away()
    post = await local_post(stage, ada)
    await policy(stage, post, which)
    if follows:
        await stage.follow(edith, ada)
    create = quoting(edith, post)
    outcome = Outcome.APPLIED if allowed else Outcome.NOT_PERMITTED
    assert await stage.apply(request(create)) == [outcome]
    (answer,) = await answers(stage, edith)
    assert isinstance(answer, AcceptQuote if allowed else RejectQuote)


async def test_who_is_blocked_or_asks_for_another_is_turned_away(stage: Stage) -> None:
    """Somebody whom the author blocks gets no stamp, nor one for a post that is another's."""
    ada, edith, olga = await stage.here(), await stage.away(), await stage.away()
    post = await local_post(stage, ada)
    await stage.follow(ada, olga)
    hers = quoting(olga, post)
    await stage.apply(hers)
    stolen = QuoteRequest(id=f"{edith.uri}#1", actor=edith.uri, object=post, quoting=hers.note.id)
    assert await stage.apply(stolen) == [Outcome.NOT_PERMITTED]
    await stage.pool.execute(
        "INSERT INTO blocks (actor_id, target_id, uri, uri_hash, id) VALUES ($1, $2, $3, $4, $5)",
        ada.id,
        edith.id,
        f"{ada.uri}#block",
        uri_hash(f"{ada.uri}#block"),
        stage.site.ids.next(),
    )
    create = quoting(edith, post)
    assert await stage.apply(request(create)) == [Outcome.NOT_PERMITTED]
    assert not [one for one in await answers(stage, edith) if isinstance(one, AcceptQuote)]


async def test_quote_without_consent_waits_for_it(stage: Stage) -> None:
    """A quote counts once the quoted author's server bears it out, if only in a later Update."""
    ada, edith, olga = await stage.here(), await stage.away(), await stage.away()
    await stage.follow(ada, edith)
    await stage.follow(ada, olga)
    quoted = parsed.create(parsed.note(olga.uri))
    create = quoting(edith, quoted.note.id)
    await stage.apply(quoted, create)
    assert await state(stage, create) is QuoteState.PENDING
    note = replace(create.note, quote_authorization=f"{olga.uri}/stamps/1", quote_confirmed=True)
    await stage.apply(parsed.update(note))
    assert await state(stage, create) is QuoteState.ACCEPTED
    own = quoting(olga, quoted.note.id)
    await stage.apply(own)
    assert await state(stage, own) is QuoteState.ACCEPTED, "everybody may quote themselves"


async def test_consent_is_taken_back_by_its_author_alone(stage: Stage) -> None:
    """The Delete of a stamp ends the quote if it is by who wrote the quoted post."""
    ada, edith, olga = await stage.here(), await stage.away(), await stage.away()
    await stage.follow(ada, edith)
    await stage.follow(ada, olga)
    quoted = parsed.create(parsed.note(olga.uri))
    stamp = f"{olga.uri}/stamps/2"
    create = quoting(edith, quoted.note.id, quote_authorization=stamp, quote_confirmed=True)
    await stage.apply(quoted, create)
    await stage.apply(parsed.delete(stamp, edith.uri))
    assert await state(stage, create) is QuoteState.ACCEPTED
    assert await stage.apply(parsed.delete(stamp, olga.uri)) == [Outcome.APPLIED]
    assert await state(stage, create) is QuoteState.REVOKED
    note = replace(create.note, content="<p>again</p>")
    await stage.apply(parsed.update(note))
    assert await state(stage, create) is QuoteState.REVOKED, "what was taken back is not given by repeating"


async def test_answers_to_our_requests(stage: Stage) -> None:
    """An Accept by the quoted author publishes the post anew with its stamp; anybody else's means nothing."""
    ada, edith, mallory = await stage.here(), await stage.away(), await stage.away()
    await stage.follow(ada, edith)
    quoted = parsed.create(parsed.note(edith.uri))
    await stage.apply(quoted)
    post = await local_post(stage, ada)
    await stage.pool.execute(
        "UPDATE statuses SET quote_uri = $2 WHERE uri_hash = $1", uri_hash(post), quoted.note.id
    )
    asked = QuoteRow(
        id=stage.site.ids.next(),
        quoting_uri=post,
        actor_uri=ada.uri,
        quoted_uri=quoted.note.id,
        state=QuoteState.PENDING,
        request_uri=f"{post}#request",
    )
    async with stage.pool.acquire() as conn:
        await quotes.store(conn, [asked])

    def accept(who: Person, stamp: str, number: int) -> AcceptQuote:
        return AcceptQuote(
            id=f"{who.uri}#accept-{number}", actor=who.uri, request_id=asked.request_uri, stamp=stamp
        )

    assert await stage.apply(accept(mallory, f"{mallory.uri}/s", 1)) == [Outcome.NOT_PERMITTED]
    assert await stage.apply(accept(edith, f"{mallory.uri}/s", 2)) == [Outcome.NOT_PERMITTED]
    stamp = f"{edith.uri}/stamps/3"
    assert await stage.apply(accept(edith, stamp, 3)) == [Outcome.APPLIED]
    rows = await stage.pool.fetch("SELECT payload FROM outbox ORDER BY id DESC LIMIT 1")
    (item,) = Codec(AcceptedActivity).decode(rows[0]["payload"])
    update = item.activity
    assert isinstance(update, UpdateNote)
    assert (update.note.id, update.note.quote, update.note.quote_authorization) == (
        post,
        quoted.note.id,
        stamp,
    )
    late = Delete(id=f"{edith.uri}#revoke", actor=edith.uri, object=stamp)
    await stage.apply(late)
    async with stage.pool.acquire() as conn:
        assert (await quotes.by_quoting(conn, [post]))[post].state is QuoteState.REVOKED


@pytest.mark.parametrize("order", ["in order", "the edit first"])
async def test_who_may_quote_is_kept_and_renewed(stage: Stage, order: str) -> None:
    """What a post and its newest Update say of quotes is kept, in whatever order they come."""
    ada, edith = await stage.here(), await stage.away()
    await stage.follow(ada, edith)
    note = parsed.note(edith.uri, may_quote=(PUBLIC,))
    activities: list[Activity] = [
        parsed.create(note),
        parsed.update(replace(note, may_quote=(), may_ask=(PUBLIC,), updated=WHEN + timedelta(hours=1))),
    ]
    for activity in activities if order == "in order" else activities[::-1]:
        await stage.apply(activity)
    assert await terms(stage, note.id) == QuoteTerms(manual=Circle.PUBLIC)


async def test_a_change_of_policy_alone_takes_effect(stage: Stage) -> None:
    """An Update with the date that is known already changes who may quote, an older one does not."""
    ada, edith = await stage.here(), await stage.away()
    await stage.follow(ada, edith)
    note = parsed.note(edith.uri, may_quote=(PUBLIC,))
    edited = replace(note, updated=WHEN + timedelta(hours=1))
    await stage.apply(parsed.create(note), parsed.update(edited))
    await stage.apply(parsed.update(replace(edited, may_quote=())))
    assert await terms(stage, note.id) == QuoteTerms()
    await stage.apply(parsed.update(replace(note, updated=WHEN + timedelta(minutes=1))))
    assert await terms(stage, note.id) == QuoteTerms()


async def terms(stage: Stage, uri: str) -> QuoteTerms | None:
    """Return who may quote a post, as it is kept."""
    kept = await stage.pool.fetchval("SELECT quote_terms FROM statuses WHERE uri = $1", uri)
    return QuoteTerms.unpacked(kept)


async def test_who_quoted_a_post_is_told_of_its_edit(stage: Stage) -> None:
    """An edit of a post is told to whoever here quotes it with consent, about the post that quotes."""
    ada, grace, edith = await stage.here(), await stage.here(), await stage.away()
    await stage.follow(ada, edith)
    note = parsed.note(edith.uri)
    await stage.apply(parsed.create(note))
    states = {ada: QuoteState.ACCEPTED, grace: QuoteState.PENDING}
    posts = {who: await local_post(stage, who) for who in states}
    rows = [
        QuoteRow(
            id=stage.site.ids.next(),
            quoting_uri=posts[who],
            actor_uri=who.uri,
            quoted_uri=note.id,
            state=state,
        )
        for who, state in states.items()
    ]
    async with stage.pool.acquire() as conn:
        await quotes.store(conn, rows)
    await stage.apply(parsed.update(replace(note, content="<p>new</p>", updated=WHEN + timedelta(hours=1))))
    told = await stage.pool.fetch(
        """
        SELECT n.account_id, n.actor_id, s.uri FROM notifications n JOIN statuses s ON s.id = n.status_id
         WHERE n.kind = 'quoted_update'
        """
    )
    assert [tuple(row) for row in told] == [(ada.id, edith.id, posts[ada])]
