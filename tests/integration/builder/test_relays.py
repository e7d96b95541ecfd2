"""Relays: what they answer, and what they pass on."""

from msgspec.structs import replace

from services.timeline_builder.work import Outcome
from shared.actions.relays import subscribe, unsubscribe
from shared.database import relays
from shared.database.instance import ensure_instance_actor
from shared.database.relays import RelayState
from shared.protocol.activities import Accept, Announce, Follow, Undo
from shared.protocol.identifiers import PUBLIC, host_of
from shared.protocol.messages import AcceptedActivity, Codec
from tests.builders import parsed
from tests.integration.builder.stage import Person, Stage


async def subscribed(stage: Stage, *, by_actor: bool) -> tuple[Person, str]:
    """Have the site ask a relay of either kind; return the relay's actor and the id of the Follow."""
    relay = await stage.away()
    inbox = f"https://{host_of(relay.uri)}/inbox"
    async with stage.pool.acquire() as conn, conn.transaction():
        made = await subscribe(conn, stage.site, inbox=inbox, actor_uri=relay.uri if by_actor else "")
    return relay, made.follow_uri


def accept(who: Person, follow_uri: str, number: int = 1) -> Accept:
    """Return an Accept of a Follow."""
    return Accept(id=f"{who.uri}#accept-{number}", actor=who.uri, follow_id=follow_uri)


async def state(stage: Stage, follow_uri: str) -> RelayState:
    """Return how far a subscription has come."""
    value = await stage.pool.fetchval("SELECT state FROM relays WHERE follow_uri = $1", follow_uri)
    return RelayState(value)


def passed_on(relay: Person, author: Person) -> AcceptedActivity:
    """Return the Announce of a stranger's post by a relay, with the post as it was fetched."""
    note = parsed.note(author.uri)
    announce = Announce(id=f"{relay.uri}#a/{note.id}", actor=relay.uri, to=(relay.followers,), object=note.id)
    return replace(parsed.accepted(announce), fetched=(note,))


async def test_relay_is_asked_and_only_its_own_answer_counts(stage: Stage) -> None:
    """A relay known by its inbox is accepted by an actor of its host, one known by name by that alone."""
    for by_actor in (False, True):
        relay, follow_uri = await subscribed(stage, by_actor=by_actor)
        stranger = await stage.away()
        assert await stage.apply(accept(stranger, follow_uri)) == [Outcome.NOT_PERMITTED]
        assert await state(stage, follow_uri) is RelayState.REQUESTED
        assert await stage.apply(accept(relay, follow_uri)) == [Outcome.APPLIED]
        assert await state(stage, follow_uri) is RelayState.ACCEPTED


async def test_what_a_relay_passes_on_is_public_and_in_no_home(stage: Stage) -> None:
    """A post that a relay announces is stored as its author's, is no boost, and reaches nobody's home."""
    relay, follow_uri = await subscribed(stage, by_actor=False)
    author, ada = await stage.away(), await stage.here()
    await stage.follow(ada, relay)
    early = passed_on(relay, author)
    await stage.pool.execute("DELETE FROM follows WHERE followee_id = $1", relay.id)
    assert await stage.apply(early) == [Outcome.UNCONCERNED], "not a relay of ours yet"
    await stage.apply(accept(relay, follow_uri))
    passed = passed_on(relay, author)
    assert await stage.apply(passed) == [Outcome.APPLIED]
    row = await stage.post(passed.fetched[0].id)
    assert row is not None
    assert (row["actor_id"], row["visibility"]) == (author.id, 0)
    assert await stage.post(passed.activity.id) is None
    assert await stage.home(ada) == []


async def test_subscription_is_told_and_taken_back(stage: Stage) -> None:
    """The Follow names everybody or the relay, as its kind wants it; its Undo names the same."""
    before = await stage.pool.fetchval("SELECT coalesce(max(id), 0) FROM outbox")
    relay, follow_uri = await subscribed(stage, by_actor=False)
    async with stage.pool.acquire() as conn, conn.transaction():
        await unsubscribe(conn, stage.site, f"https://{host_of(relay.uri)}/inbox")
        assert follow_uri not in {one.follow_uri for one in await relays.listed(conn)}
    rows = await stage.pool.fetch("SELECT payload FROM outbox WHERE id > $1 ORDER BY id", before)
    sent = [Codec(AcceptedActivity).decode(row["payload"])[0].activity for row in rows]
    follow, undo = [one for one in sent if isinstance(one, Follow | Undo)]
    assert isinstance(follow, Follow)
    assert isinstance(undo, Undo)
    assert (follow.id, follow.object, follow.actor) == (follow_uri, PUBLIC, stage.site.uris.instance_actor)
    assert (undo.undone_id, undo.object) == (follow_uri, PUBLIC)
    assert await stage.apply(accept(relay, follow_uri)) == [Outcome.NOT_PERMITTED]


async def test_relay_that_follows_back_is_let_in(stage: Stage) -> None:
    """A relay that was asked may follow the instance actor and is told so; nobody else may."""
    relay, _ = await subscribed(stage, by_actor=True)
    stranger = await stage.away()
    uris, ids = stage.site.uris, stage.site.ids
    async with stage.pool.acquire() as conn, conn.transaction():
        await ensure_instance_actor(
            conn, uris=uris, ids=ids, secret_key="a secret of thirty-two letters or so"
        )
    site = uris.instance_actor
    follows = {who.uri: Follow(id=f"{who.uri}#back", actor=who.uri, object=site) for who in (relay, stranger)}
    assert await stage.apply(follows[stranger.uri]) == [Outcome.NOT_PERMITTED]
    assert await stage.apply(follows[relay.uri]) == [Outcome.APPLIED]
    assert [one for one in await stage.sent(stranger) if isinstance(one, Accept)] == []
    (answer,) = [one for one in await stage.sent(relay) if isinstance(one, Accept)]
    assert (answer.actor, answer.follow_id, answer.follower) == (site, f"{relay.uri}#back", relay.uri)
    assert await stage.pool.fetchval("SELECT count(*) FROM follows WHERE follower_id = $1", relay.id) == 0
