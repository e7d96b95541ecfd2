"""Follow, Accept, Reject and Block, from both sides."""

from msgspec.structs import replace

from services.timeline_builder.work import Outcome
from shared.database.follows import FollowState
from shared.protocol.activities import Accept, Activity, Reject, UpdateActor
from shared.protocol.identifiers import uri_hash
from shared.protocol.messages import AcceptedActivity
from tests.builders import parsed
from tests.integration.builder.stage import Person, Stage


def _local(activity: Activity) -> AcceptedActivity:
    """Return an activity as the gateway hands it over."""
    return parsed.accepted(activity, local=True)


async def test_follow_of_an_open_account_is_accepted(stage: Stage) -> None:
    """A follower of an unlocked account is in, is counted, and gets an Accept that names the Follow."""
    ada, edith = await stage.here(), await stage.away()
    follow = parsed.follow(edith.uri, ada.uri)
    assert await stage.apply(follow) == [Outcome.APPLIED]
    assert await stage.follows(edith, ada) is FollowState.ACCEPTED
    assert await stage.told(ada) == [("follow", edith.id, None)]
    assert (await stage.actor(ada))["followers_count"] == 1
    (answer,) = await stage.sent(edith)
    assert isinstance(answer, Accept)
    assert (answer.actor, answer.follow_id, answer.follower) == (ada.uri, follow.id, edith.uri)


async def test_follow_of_a_locked_account_waits(stage: Stage) -> None:
    """A locked account is asked; nothing is sent and nobody is counted."""
    ada, edith = await stage.here(locked=True), await stage.away()
    await stage.apply(parsed.follow(edith.uri, ada.uri))
    assert await stage.follows(edith, ada) is FollowState.REQUESTED
    assert await stage.told(ada) == [("follow_request", edith.id, None)]
    assert (await stage.actor(ada))["followers_count"] == 0
    assert await stage.sent(edith) == []


async def test_account_that_does_not_federate_cannot_be_followed(stage: Stage) -> None:
    """A Follow of an account that has not opted in has no effect, and no answer betrays the account."""
    ada, edith = await stage.here(federated=False), await stage.away()
    assert await stage.apply(parsed.follow(edith.uri, ada.uri)) == [Outcome.NOT_PERMITTED]
    assert await stage.follows(edith, ada) is None
    assert await stage.sent(edith) == []


async def test_follow_asked_again_is_answered_again(stage: Stage) -> None:
    """A server that lost our Accept asks again under a new id: it is answered, and counted once."""
    ada, edith = await stage.here(), await stage.away()
    first, second = parsed.follow(edith.uri, ada.uri), parsed.follow(edith.uri, ada.uri)
    await stage.apply(first)
    await stage.apply(second)
    assert [getattr(answer, "follow_id", "") for answer in await stage.sent(edith)] == [first.id, second.id]
    assert (await stage.actor(ada))["followers_count"] == 1
    assert len(await stage.told(ada)) == 1
    assert await stage.apply(parsed.undo(second)) == [Outcome.APPLIED]
    assert await stage.follows(edith, ada) is None


async def test_blocked_actor_is_turned_away(stage: Stage) -> None:
    """A Follow by somebody whom the account blocks is answered with a Reject."""
    ada, edith = await stage.here(), await stage.away()
    await stage.pool.execute(
        "INSERT INTO blocks (actor_id, target_id, uri, uri_hash, id) VALUES ($1, $2, '', $3, 1)",
        ada.id,
        edith.id,
        str(ada.id).encode(),
    )
    assert await stage.apply(parsed.follow(edith.uri, ada.uri)) == [Outcome.BLOCKED]
    assert await stage.follows(edith, ada) is None
    assert [type(answer) for answer in await stage.sent(edith)] == [Reject]


async def test_accept_lets_in_and_fills_the_timeline(stage: Stage) -> None:
    """Once accepted, a follow counts, and the posts already known stand in the home timeline."""
    ada, grace, edith = await stage.here(), await stage.here(), await stage.away()
    await stage.follow(grace, edith)
    note = parsed.note(edith.uri)
    await stage.apply(parsed.create(note))
    follow_id = await stage.ask_to_follow(ada, edith)
    assert await stage.home(ada) == []
    accept = parsed.accept(parsed.follow(ada.uri, edith.uri, id=follow_id))
    assert await stage.apply(accept) == [Outcome.APPLIED]
    assert await stage.follows(ada, edith) is FollowState.ACCEPTED
    assert await stage.home(ada) == [note.id]
    assert (await stage.actor(ada))["following_count"] == 1


async def test_accept_by_id_alone_is_enough(stage: Stage) -> None:
    """An Accept that names the Follow only by its id lets in."""
    ada, edith = await stage.here(), await stage.away()
    follow_id = await stage.ask_to_follow(ada, edith)
    accept = Accept(id=f"{edith.uri}#accept", actor=edith.uri, follow_id=follow_id)
    assert await stage.apply(accept) == [Outcome.APPLIED]
    assert await stage.follows(ada, edith) is FollowState.ACCEPTED


async def test_accept_by_another_lets_nobody_in(stage: Stage) -> None:
    """Only the one who is to be followed accepts; an Accept of nothing asked has no effect."""
    ada, edith, mallory = await stage.here(), await stage.away(), await stage.away()
    follow_id = await stage.ask_to_follow(ada, edith)
    asked = parsed.follow(ada.uri, edith.uri, id=follow_id)
    outcomes = await stage.apply(
        parsed.accept(asked, actor=mallory.uri),
        parsed.accept(asked, actor=mallory.uri, followee=mallory.uri),
        parsed.accept(parsed.follow(ada.uri, mallory.uri, id="https://never.example/sent")),
    )
    assert outcomes == [Outcome.NOT_PERMITTED, Outcome.NOT_PERMITTED, Outcome.UNKNOWN_OBJECT]
    assert await stage.follows(ada, edith) is FollowState.REQUESTED
    assert await stage.follows(ada, mallory) is None


async def test_reject_ends_a_follow(stage: Stage) -> None:
    """A Reject that comes late ends the follow, and the timeline loses the posts."""
    ada, edith = await stage.here(), await stage.away()
    follow_id = await stage.ask_to_follow(ada, edith)
    asked = parsed.follow(ada.uri, edith.uri, id=follow_id)
    await stage.apply(parsed.accept(asked), parsed.create(parsed.note(edith.uri)))
    assert len(await stage.home(ada)) == 1
    reject = Reject(
        id=f"{edith.uri}#reject", actor=edith.uri, follow_id=asked.id, follower=ada.uri, followee=edith.uri
    )
    await stage.apply(reject)
    assert await stage.follows(ada, edith) is None
    assert await stage.home(ada) == []
    assert (await stage.actor(ada))["following_count"] == 0


async def test_undo_of_a_follow_is_counted(stage: Stage) -> None:
    """A follower who leaves is not counted any more, and the account is told no longer."""
    ada, edith = await stage.here(), await stage.away()
    follow = parsed.follow(edith.uri, ada.uri)
    await stage.apply(follow)
    assert await stage.apply(parsed.undo(follow)) == [Outcome.APPLIED]
    assert await stage.follows(edith, ada) is None
    assert (await stage.actor(ada))["followers_count"] == 0
    assert await stage.told(ada) == []


async def test_undo_under_a_made_up_id_finds_the_follow(stage: Stage) -> None:
    """Servers that embed the Follow under another id than it had are understood."""
    ada, edith = await stage.here(), await stage.away()
    follow = parsed.follow(edith.uri, ada.uri)
    await stage.apply(follow)
    await stage.apply(parsed.undo(follow, undone_id=f"{edith.uri}/follows/other"))
    assert await stage.follows(edith, ada) is None


async def test_undo_by_another_changes_nothing(stage: Stage) -> None:
    """Nobody takes back what another did, be it here already or on its way."""
    ada, edith, mallory = await stage.here(), await stage.away(), await stage.away()
    here, later = parsed.follow(edith.uri, ada.uri), parsed.follow(edith.uri, ada.uri)
    await stage.apply(here)
    forged = [parsed.undo(follow, actor=mallory.uri) for follow in (here, later)]
    assert (await stage.apply(*forged))[0] is Outcome.NOT_PERMITTED
    assert await stage.apply(later) == [Outcome.APPLIED]
    assert await stage.follows(edith, ada) is FollowState.ACCEPTED


async def test_undo_before_its_follow_leaves_no_follow(stage: Stage) -> None:
    """An Undo that came first is remembered; the Follow then has no effect and no answer."""
    ada, edith = await stage.here(), await stage.away()
    follow = parsed.follow(edith.uri, ada.uri)
    assert await stage.apply(parsed.undo(follow)) == [Outcome.WAITING]
    assert await stage.apply(follow) == [Outcome.UNDONE]
    assert await stage.follows(edith, ada) is None
    assert await stage.sent(edith) == []


async def test_block_ends_follows_both_ways(stage: Stage) -> None:
    """Blocked by a remote actor, an account loses them as follower and as followee, and their posts."""
    ada, edith = await stage.here(), await stage.away()
    await stage.follow(ada, edith)
    await stage.apply(parsed.follow(edith.uri, ada.uri), parsed.create(parsed.note(edith.uri)))
    await stage.apply(parsed.block(ada.uri, edith.uri))
    assert await stage.follows(ada, edith) is None
    assert await stage.follows(edith, ada) is None
    assert await stage.home(ada) == []
    me = await stage.actor(ada)
    assert (me["followers_count"], me["following_count"]) == (0, 0)


async def test_local_follow_is_told_and_fills_the_timeline(stage: Stage) -> None:
    """A follow between two local accounts, written by the gateway, is told and shows what is there."""
    ada, grace = await stage.here(), await stage.here()
    post = await _local_post(stage, grace)
    await stage.follow(ada, grace)
    assert await stage.apply(_local(parsed.follow(ada.uri, grace.uri))) == [Outcome.APPLIED]
    assert await stage.told(grace) == [("follow", ada.id, None)]
    assert await stage.home(ada) == [post]
    assert (await stage.actor(grace))["followers_count"] == 1


async def test_local_block_tells_the_other_server(stage: Stage) -> None:
    """Our block ends what the other server believes: a Reject of their follow, an Undo of ours."""
    ada, edith = await stage.here(), await stage.away()
    await stage.follow(ada, edith)
    await stage.follow(edith, ada)
    await stage.apply(_local(parsed.block(edith.uri, ada.uri)))
    sent = [type(activity).__name__ for activity in await stage.sent(edith)]
    assert sorted(sent) == ["Reject", "Undo"]


async def test_profile_edit_keeps_the_handle(stage: Stage) -> None:
    """An Update changes the profile; a new name in it waits for its proof through WebFinger."""
    edith = await stage.away()
    profile = replace(parsed.profile(edith.uri), name="Edith the Weaver", username="impostor")
    update = UpdateActor(id=f"{edith.uri}#update", actor=edith.uri, profile=profile)
    assert await stage.apply(update) == [Outcome.APPLIED]
    row = await stage.actor(edith)
    assert (row["display_name"], row["username"]) == ("Edith the Weaver", "edith")


async def test_profile_of_another_is_not_edited(stage: Stage) -> None:
    """Nobody edits another's profile."""
    edith, mallory = await stage.away(), await stage.away()
    profile = replace(parsed.profile(edith.uri), name="Defaced")
    update = UpdateActor(id=f"{mallory.uri}#update", actor=mallory.uri, profile=profile)
    assert await stage.apply(update) == [Outcome.NOT_PERMITTED]
    assert (await stage.actor(edith))["display_name"] == "Edith"


async def _local_post(stage: Stage, author: Person) -> str:
    status_id = stage.site.ids.next()
    uri = stage.site.uris.status(status_id)
    await stage.pool.execute(
        """
        INSERT INTO statuses (id, uri, uri_hash, local, actor_id, conversation_id, visibility, created_at)
        VALUES ($1, $2, $3, true, $4, $1, 0, now())
        """,
        status_id,
        uri,
        uri_hash(uri),
        author.id,
    )
    return uri
