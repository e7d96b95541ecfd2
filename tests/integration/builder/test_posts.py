"""Create, Update and Delete of posts."""

from datetime import timedelta

from msgspec.structs import replace

from services.timeline_builder.work import Outcome
from shared.protocol.identifiers import PUBLIC
from shared.protocol.objects import Mention, Poll, PollOption, Visibility
from shared.protocol.reader import read_activity
from tests.builders import parsed, wire
from tests.integration.builder.stage import Person, Stage


async def _followed(stage: Stage) -> tuple[Person, Person]:
    """Return an account here and a remote author it follows."""
    ada, edith = await stage.here(), await stage.away()
    await stage.follow(ada, edith)
    return ada, edith


async def test_post_reaches_its_local_followers(stage: Stage) -> None:
    """A post of a followed author stands in the follower's home timeline and is counted."""
    ada, edith = await _followed(stage)
    note = parsed.note(edith.uri, hashtags=("Weaving",))
    assert await stage.apply(parsed.create(note)) == [Outcome.APPLIED]
    assert await stage.home(ada) == [note.id]
    assert (await stage.actor(edith))["statuses_count"] == 1
    assert await stage.pool.fetchval("SELECT name FROM status_tags WHERE tag = 'weaving'") == "Weaving"


async def test_post_of_a_stranger_is_not_stored(stage: Stage) -> None:
    """What concerns nobody here leaves no row."""
    stranger = await stage.away()
    note = parsed.note(stranger.uri)
    assert await stage.apply(parsed.create(note)) == [Outcome.UNCONCERNED]
    assert await stage.post(note.id) is None


async def test_mention_by_a_stranger_is_stored_and_told(stage: Stage) -> None:
    """Somebody who is named learns of it, though they follow nobody."""
    ada, stranger = await stage.here(), await stage.away()
    note = parsed.note(stranger.uri, mentions=(Mention(href=ada.uri, name="@ada"),))
    await stage.apply(parsed.create(note))
    assert await stage.told(ada) == [("mention", stranger.id, note.id)]
    assert await stage.home(ada) == []


async def test_direct_message_without_a_mention_reaches_its_addressee(stage: Stage) -> None:
    """A direct post that only addresses somebody counts as naming them, and nobody else gets it."""
    ada, edith = await _followed(stage)
    grace = await stage.here()
    note = parsed.note(edith.uri, to=(grace.uri,), cc=())
    await stage.apply(parsed.create(note))
    stored = await stage.post(note.id)
    assert stored is not None
    assert stored["visibility"] == Visibility.DIRECT
    assert await stage.told(grace) == [("mention", edith.id, note.id)]
    assert await stage.home(ada) == []
    assert (await stage.actor(edith))["statuses_count"] == 0


async def test_audience_alone_reaches_its_addressee(stage: Stage) -> None:
    """Who is named in nothing but `audience` is told of the post, which is for nobody else."""
    grace, stranger = await stage.here(), await stage.away()
    post = wire.note(stranger.uri, to=[], cc=[], audience=grace.uri)
    await stage.apply(read_activity(wire.encode(wire.activity("Create", stranger.uri, object=post))))
    stored = await stage.post(str(post["id"]))
    assert stored is not None
    assert stored["visibility"] == Visibility.DIRECT
    assert await stage.told(grace) == [("mention", stranger.id, post["id"])]


async def test_direct_message_to_nobody_here_is_not_stored(stage: Stage) -> None:
    """A direct post that nobody here may see is not kept, even from a followed author."""
    _, edith = await _followed(stage)
    note = parsed.note(edith.uri, to=("https://elsewhere.example/users/x",), cc=())
    assert await stage.apply(parsed.create(note)) == [Outcome.UNCONCERNED]


async def test_followers_only_post_reaches_followers(stage: Stage) -> None:
    """A post for followers stands in their timelines."""
    ada, edith = await _followed(stage)
    note = parsed.note(edith.uri, to=(edith.followers,), cc=())
    await stage.apply(parsed.create(note))
    assert await stage.home(ada) == [note.id]


async def test_reply_is_shown_only_to_those_who_follow_both(stage: Stage) -> None:
    """A reply to somebody whom the follower does not follow stays out of the home timeline."""
    ada, edith = await _followed(stage)
    grace, stranger = await stage.here(), await stage.away()
    for followee in (edith, stranger):
        await stage.follow(grace, followee)
    start = parsed.note(stranger.uri)
    reply = parsed.note(edith.uri, in_reply_to=start.id)
    thread = parsed.note(edith.uri, in_reply_to=reply.id)
    await stage.apply(parsed.create(start), parsed.create(reply), parsed.create(thread))
    assert set(await stage.home(ada)) == {thread.id}
    assert set(await stage.home(grace)) == {start.id, reply.id, thread.id}


async def test_reply_before_its_parent_takes_its_place(stage: Stage) -> None:
    """A reply that came first is tied to its parent once that comes, with thread, count and timeline."""
    ada, edith = await _followed(stage)
    first = parsed.note(edith.uri)
    second = parsed.note(edith.uri, in_reply_to=first.id)
    third = parsed.note(edith.uri, in_reply_to=second.id)
    for note in (third, second, first):
        await stage.apply(parsed.create(note))
    rows = [await stage.post(note.id) for note in (first, second, third)]
    parent, reply, last = (row or {} for row in rows)
    assert (reply["in_reply_to_id"], last["in_reply_to_id"]) == (parent["id"], reply["id"])
    assert {row["conversation_id"] for row in (parent, reply, last)} == {parent["id"]}
    assert (parent["replies_count"], reply["replies_count"]) == (1, 1)
    assert set(await stage.home(ada)) == {first.id, second.id, third.id}


async def test_reply_of_a_stranger_to_a_known_post_is_stored(stage: Stage) -> None:
    """An answer under a post we have belongs to the thread, whoever wrote it and in whatever order."""
    _, edith = await _followed(stage)
    stranger = await stage.away()
    note = parsed.note(edith.uri)
    answer = parsed.note(stranger.uri, in_reply_to=note.id)
    assert await stage.apply(parsed.create(answer), parsed.create(note)) == [Outcome.APPLIED] * 2
    stored = await stage.post(note.id)
    assert stored is not None
    assert stored["replies_count"] == 1


async def test_post_of_somebody_muted_or_blocked_is_kept_out(stage: Stage) -> None:
    """Neither a muted nor a blocked author comes into the timeline or the notifications."""
    muted_by, blocked_by, edith = await stage.here(), await stage.here(), await stage.away()
    for account in (muted_by, blocked_by):
        await stage.follow(account, edith)
    await stage.pool.execute(
        "INSERT INTO mutes (actor_id, target_id, id) VALUES ($1, $2, 1)", muted_by.id, edith.id
    )
    await stage.pool.execute(
        "INSERT INTO blocks (actor_id, target_id, uri, uri_hash, id) VALUES ($1, $2, '', $3, 1)",
        blocked_by.id,
        edith.id,
        str(edith.id).encode(),
    )
    mentions = tuple(Mention(href=person.uri) for person in (muted_by, blocked_by))
    await stage.apply(parsed.create(parsed.note(edith.uri, mentions=mentions)))
    for account in (muted_by, blocked_by):
        assert await stage.home(account) == []
        assert await stage.told(account) == []


async def test_what_one_reader_mutes_or_blocks_others_still_get(stage: Stage) -> None:
    """A boost of somebody muted, a reply to somebody blocked: only who did that is spared."""
    muting, blocking, reader = await stage.here(), await stage.here(), await stage.here()
    edith, quiet, other = await stage.away(), await stage.away(), await stage.away()
    for account in (muting, blocking, reader):
        await stage.follow(account, edith)
        await stage.follow(account, other)
    await stage.follow(reader, quiet)  # else nobody here would care for the post
    await stage.pool.execute(
        "INSERT INTO mutes (actor_id, target_id, id) VALUES ($1, $2, 1)", muting.id, quiet.id
    )
    await stage.pool.execute(
        "INSERT INTO blocks (actor_id, target_id, uri, uri_hash, id) VALUES ($1, $2, '', $3, 1)",
        blocking.id,
        other.id,
        str(other.id).encode(),
    )
    shared, asked = parsed.note(quiet.uri), parsed.note(other.uri)
    await stage.apply(parsed.create(shared), parsed.create(asked))
    boost, reply = parsed.announce(shared.id, edith.uri), parsed.note(edith.uri, in_reply_to=asked.id)
    await stage.apply(boost, parsed.create(reply))
    assert set(await stage.home(reader)) == {reply.id, boost.id, asked.id, shared.id}
    assert set(await stage.home(muting)) == {reply.id, asked.id}
    assert await stage.home(blocking) == [boost.id]


async def test_edit_is_shown_and_the_old_version_kept(stage: Stage) -> None:
    """After an Update the post shows the new text and the history holds the old one."""
    _, edith = await _followed(stage)
    note = parsed.note(edith.uri, content="<p>old</p>")
    edited = replace(note, content="<p>new</p>", updated=parsed.WHEN + timedelta(minutes=1))
    await stage.apply(parsed.create(note), parsed.update(edited))
    stored = await stage.post(note.id)
    assert stored is not None
    assert (stored["content"], stored["edited_at"]) == ("<p>new</p>", edited.updated)
    history = await stage.pool.fetch("SELECT content FROM status_edits WHERE status_id = $1", stored["id"])
    assert [row["content"] for row in history] == ["<p>old</p>"]


async def test_edit_by_another_changes_nothing(stage: Stage) -> None:
    """An Update of somebody else's post is not permitted, even from the same server."""
    _, edith = await _followed(stage)
    mallory = await stage.away()
    note = parsed.note(edith.uri, content="<p>mine</p>")
    await stage.apply(parsed.create(note))
    forged = replace(note, content="<p>yours</p>", updated=parsed.WHEN + timedelta(minutes=1))
    outcomes = await stage.apply(
        parsed.update(forged, actor=mallory.uri),
        parsed.update(replace(forged, attributed_to=mallory.uri), actor=mallory.uri),
    )
    assert outcomes == [Outcome.NOT_PERMITTED] * 2
    stored = await stage.post(note.id)
    assert stored is not None
    assert stored["content"] == "<p>mine</p>"


async def test_two_edits_under_one_id_are_two_edits(stage: Stage) -> None:
    """Servers that reuse the id of an Update still get both of their edits through."""
    _, edith = await _followed(stage)
    note = parsed.note(edith.uri)
    await stage.apply(parsed.create(note))
    for minute, text in ((1, "<p>one</p>"), (2, "<p>two</p>")):
        edited = replace(note, content=text, updated=parsed.WHEN + timedelta(minutes=minute))
        update = parsed.update(edited, id=f"{edith.uri}#update")
        await stage.apply(parsed.accepted(update, digest=text.encode()))
    stored = await stage.post(note.id)
    assert stored is not None
    assert stored["content"] == "<p>two</p>"


async def test_poll_counts_change_without_an_edit(stage: Stage) -> None:
    """An Update that only carries new counts of a poll leaves no version behind."""
    _, edith = await _followed(stage)
    poll = Poll(options=(PollOption(name="yes"), PollOption(name="no")))
    note = parsed.note(edith.uri, type="Question", poll=poll)
    counted = replace(note, poll=replace(poll, options=(PollOption(name="yes", votes=3), poll.options[1])))
    await stage.apply(parsed.create(note), parsed.update(counted))
    stored = await stage.post(note.id)
    assert stored is not None
    assert stored["edited_at"] is None
    votes = await stage.pool.fetchval(
        "SELECT poll->'options'->0->>'votes' FROM statuses WHERE id = $1", stored["id"]
    )
    assert votes == "3"


async def test_booster_is_told_of_an_edit(stage: Stage) -> None:
    """Somebody here who boosted a post learns that it was edited."""
    ada, edith = await _followed(stage)
    note = parsed.note(edith.uri)
    await stage.apply(parsed.create(note))
    stored = await stage.post(note.id)
    assert stored is not None
    await stage.pool.execute(
        """
        INSERT INTO statuses (id, uri, uri_hash, local, actor_id, reblog_of_id, conversation_id, visibility,
                              created_at)
        VALUES (1, 'u:boost', 'u:boost', true, $1, $2, 1, 0, now())
        """,
        ada.id,
        stored["id"],
    )
    await stage.apply(parsed.update(replace(note, content="x", updated=parsed.WHEN + timedelta(days=1))))
    assert await stage.told(ada) == [("update", edith.id, note.id)]


async def test_delete_leaves_a_tombstone_and_nothing_else(stage: Stage) -> None:
    """A deleted post is gone from timelines, notifications and counts; only its id stays."""
    ada, edith = await _followed(stage)
    parent = parsed.note(edith.uri)
    note = parsed.note(edith.uri, in_reply_to=parent.id, mentions=(Mention(href=ada.uri),), hashtags=("x",))
    await stage.apply(parsed.create(parent), parsed.create(note))
    assert await stage.apply(parsed.delete(note.id, edith.uri)) == [Outcome.APPLIED]
    stored, above = await stage.post(note.id), await stage.post(parent.id)
    assert stored is not None
    assert above is not None
    assert stored["deleted_at"] is not None
    assert stored["content"] == ""
    assert above["replies_count"] == 0
    assert await stage.home(ada) == [parent.id]
    assert await stage.told(ada) == []
    assert (await stage.actor(edith))["statuses_count"] == 1


async def test_delete_by_another_changes_nothing(stage: Stage) -> None:
    """Only the author deletes a post."""
    ada, edith = await _followed(stage)
    mallory = await stage.away()
    note = parsed.note(edith.uri)
    await stage.apply(parsed.create(note))
    assert await stage.apply(parsed.delete(note.id, mallory.uri)) == [Outcome.NOT_PERMITTED]
    assert await stage.home(ada) == [note.id]


async def test_create_after_delete_stays_deleted(stage: Stage) -> None:
    """A post that was deleted is never stored again, whether it was here before or not."""
    ada, edith = await _followed(stage)
    note, other = parsed.note(edith.uri), parsed.note(edith.uri)
    await stage.apply(parsed.create(note))
    await stage.apply(parsed.delete(note.id, edith.uri), parsed.delete(other.id, edith.uri))
    again = parsed.create(note, id=f"{note.id}/again")
    assert await stage.apply(again, parsed.create(other)) == [Outcome.DELETED] * 2
    assert await stage.home(ada) == []


async def test_early_delete_by_another_does_not_stop_a_post(stage: Stage) -> None:
    """Nobody can keep another's post from arriving by deleting it beforehand."""
    ada, edith = await _followed(stage)
    mallory = await stage.away()
    note = parsed.note(edith.uri)
    await stage.apply(parsed.delete(note.id, mallory.uri))
    assert await stage.apply(parsed.create(note)) == [Outcome.APPLIED]
    assert await stage.home(ada) == [note.id]


async def test_deleted_account_takes_everything_along(stage: Stage) -> None:
    """After the Delete of an actor its posts, likes, follows and notifications are gone and uncounted."""
    ada, edith = await _followed(stage)
    other = await stage.away()
    await stage.follow(ada, other)
    liked = parsed.note(other.uri)
    note = parsed.note(edith.uri, mentions=(Mention(href=ada.uri),))
    await stage.apply(parsed.create(liked), parsed.create(note), parsed.like(liked.id, edith.uri))
    await stage.apply(parsed.follow(edith.uri, ada.uri))
    assert await stage.apply(parsed.delete(edith.uri, edith.uri)) == [Outcome.APPLIED]
    assert await stage.home(ada) == [liked.id]
    assert await stage.told(ada) == []
    me = await stage.actor(ada)
    assert (me["followers_count"], me["following_count"]) == (0, 1)
    stored = await stage.post(liked.id)
    assert stored is not None
    assert stored["favourites_count"] == 0
    assert await stage.apply(parsed.create(parsed.note(edith.uri))) == [Outcome.UNKNOWN_ACTOR]


async def test_post_in_the_name_of_another_is_refused(stage: Stage) -> None:
    """A Create whose post is attributed to somebody else stores nothing."""
    _, edith = await _followed(stage)
    mallory = await stage.away()
    note = parsed.note(edith.uri)
    assert await stage.apply(parsed.create(note, actor=mallory.uri)) == [Outcome.NOT_PERMITTED]
    assert await stage.post(note.id) is None


async def test_public_post_keeps_its_address(stage: Stage) -> None:
    """Visibility is read from the addresses: Public in cc is unlisted."""
    _, edith = await _followed(stage)
    note = parsed.note(edith.uri, to=(edith.followers,), cc=(PUBLIC,))
    await stage.apply(parsed.create(note))
    stored = await stage.post(note.id)
    assert stored is not None
    assert stored["visibility"] == Visibility.UNLISTED


async def test_vote_is_no_post(stage: Stage) -> None:
    """A vote, which comes as a Create of a Note, neither shows up as a message nor tells anybody."""
    ada, edith = await _followed(stage)
    vote = parsed.note(
        edith.uri, content="", name="Wool", in_reply_to=f"{ada.uri}/poll", to=(ada.uri,), cc=()
    )
    assert await stage.apply(parsed.create(vote)) == [Outcome.UNCONCERNED]
    assert await stage.post(vote.id) is None
    assert await stage.told(ada) == []
