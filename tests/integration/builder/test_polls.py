"""Votes of other servers in polls of people here, and how polls end."""

from datetime import UTC, datetime, timedelta

from services.timeline_builder.closing import once
from services.timeline_builder.work import Outcome
from shared.database import outbox, polls
from shared.database.statuses import NewStatus, insert
from shared.protocol.activities import Create, UpdateNote
from shared.protocol.messages import AcceptedActivity, Codec
from shared.protocol.objects import Poll, PollOption, Visibility
from tests.builders import parsed
from tests.integration.builder.stage import Person, Stage

SOON = timedelta(minutes=10)


async def ask(
    stage: Stage,
    author: Person,
    *,
    ends_in: timedelta = SOON,
    multiple: bool = False,
    visibility: Visibility = Visibility.PUBLIC,
) -> str:
    """Have somebody here make a poll with the options wool and flax; return its URI."""
    status_id = stage.site.ids.next()
    ends_at = (datetime.now(UTC) + ends_in).replace(microsecond=0)
    options = (PollOption(name="wool"), PollOption(name="flax"))
    post = NewStatus(
        id=status_id,
        uri=stage.site.uris.status(status_id),
        local=True,
        actor_id=author.id,
        conversation_id=status_id,
        visibility=visibility,
        created_at=datetime.now(UTC) - timedelta(days=1),
        object_type="Question",
        poll=Poll(options=options, multiple=multiple, ends_at=ends_at, voters=0),
    )
    async with stage.pool.acquire() as conn, conn.transaction():
        await insert(conn, [post])
        await polls.follow(conn, status_id, ends_at)
    return post.uri


def vote(poll: str, who: Person, option: str, number: int = 1) -> Create:
    """Return a vote."""
    note = parsed.note(who.uri, content="", name=option, in_reply_to=poll, to=(poll,), cc=())
    return parsed.create(note, id=f"{who.uri}#vote-{option}-{number}-{poll}")


async def counts(stage: Stage, uri: str) -> tuple[list[int], int]:
    """Return the votes for each option, and how many voted."""
    row = await stage.post(uri)
    assert row is not None
    poll = row["poll"]
    assert isinstance(poll, dict)
    return [option["votes"] for option in poll["options"]], poll["voters"]


async def told_elsewhere(stage: Stage, uri: str) -> list[UpdateNote]:
    """Return the Updates of a post that wait in the outbox."""
    codec = Codec(AcceptedActivity)
    async with stage.pool.acquire() as conn:
        rows = await outbox.due(conn, 10_000)
    sent = [item.activity for row in rows for item in codec.decode(row.payload)]
    return [one for one in sent if isinstance(one, UpdateNote) and one.note.id == uri]


async def test_votes_are_counted_once(stage: Stage) -> None:
    """Each actor has one vote, whatever it sends; votes are no posts and tell nobody."""
    ada, edith, other = await stage.here(), await stage.away(), await stage.away()
    poll = await ask(stage, ada)
    first = vote(poll, edith, "wool")
    outcomes = await stage.apply(first, vote(poll, edith, "flax"), vote(poll, other, "flax"), first)
    assert outcomes == [Outcome.APPLIED, Outcome.NOT_PERMITTED, Outcome.APPLIED, Outcome.REPEATED]
    assert await stage.apply(vote(poll, edith, "wool", 2)) == [Outcome.NOT_PERMITTED]
    assert await counts(stage, poll) == ([1, 1], 2)
    assert await stage.post(first.note.id) is None
    assert await stage.told(ada) == []


async def test_several_options_where_the_poll_allows_it(stage: Stage) -> None:
    """In a poll with several choices each option counts once, and the voter once."""
    ada, edith = await stage.here(), await stage.away()
    poll = await ask(stage, ada, multiple=True)
    await stage.apply(vote(poll, edith, "wool"), vote(poll, edith, "wool", 2))
    await stage.apply(vote(poll, edith, "flax"))
    assert await counts(stage, poll) == ([1, 1], 1)


async def test_what_is_no_valid_vote(stage: Stage) -> None:
    """Too late, no such option, not visible, blocked, or no poll: none of these counts."""
    ada, edith = await stage.here(), await stage.away()
    over = await ask(stage, ada, ends_in=-SOON)
    poll = await ask(stage, ada)
    private = await ask(stage, ada, visibility=Visibility.FOLLOWERS)
    outcomes = await stage.apply(
        vote(over, edith, "wool"), vote(poll, edith, "silk"), vote(private, edith, "wool")
    )
    assert outcomes == [Outcome.NOT_PERMITTED, Outcome.UNKNOWN_OBJECT, Outcome.NOT_PERMITTED]
    await stage.pool.execute(
        "INSERT INTO blocks (actor_id, target_id, uri, uri_hash, id) VALUES ($1, $2, '', $3, 1)",
        ada.id,
        edith.id,
        str(ada.id).encode(),
    )
    assert await stage.apply(vote(poll, edith, "wool")) == [Outcome.NOT_PERMITTED]
    for uri in (over, poll, private):
        assert await counts(stage, uri) == ([0, 0], 0)


async def test_followers_vote_in_polls_for_followers(stage: Stage) -> None:
    """Who may see a poll may vote in it."""
    ada, edith = await stage.here(), await stage.away()
    await stage.follow(edith, ada)
    poll = await ask(stage, ada, visibility=Visibility.FOLLOWERS)
    assert await stage.apply(vote(poll, edith, "flax")) == [Outcome.APPLIED]
    assert await counts(stage, poll) == ([0, 1], 1)


async def test_new_counts_are_told_after_a_pause(stage: Stage) -> None:
    """However many votes come, other servers get one Update, with the counts and no edit."""
    ada, edith, other = await stage.here(), await stage.away(), await stage.away()
    poll = await ask(stage, ada)
    await stage.apply(vote(poll, edith, "wool"), vote(poll, other, "wool"))
    await once(stage.pool, stage.site)
    assert await told_elsewhere(stage, poll) == []
    await once(stage.pool, stage.site, pause=0)
    await once(stage.pool, stage.site, pause=0)
    (update,) = await told_elsewhere(stage, poll)
    assert update.note.poll is not None
    assert [option.votes for option in update.note.poll.options] == [2, 0]
    assert (update.note.updated, update.note.poll.closed_at) == (None, None)


async def test_end_of_a_poll_is_told_once(stage: Stage) -> None:
    """At the end its author and the voters here are told, and other servers that it is closed."""
    ada, grace, edith = await stage.here(), await stage.here(), await stage.away()
    poll = await ask(stage, ada)
    await stage.apply(vote(poll, edith, "wool"))
    row = await stage.post(poll)
    assert row is not None
    await stage.pool.execute(
        "INSERT INTO poll_votes (status_id, actor_id, choice) VALUES ($1, $2, 1)", row["id"], grace.id
    )
    await stage.pool.execute("UPDATE polls SET ends_at = now() WHERE status_id = $1", row["id"])
    for _ in range(2):
        await once(stage.pool, stage.site)
    assert await stage.told(ada) == [("poll", ada.id, poll)]
    assert await stage.told(grace) == [("poll", ada.id, poll)]
    (update,) = await told_elsewhere(stage, poll)
    assert update.note.poll is not None
    assert update.note.poll.closed_at == update.note.poll.ends_at


async def test_counts_of_an_edited_remote_poll_are_refreshed(stage: Stage) -> None:
    """An Update with the version that is here already, and new counts, changes the counts."""
    ada, edith = await stage.here(), await stage.away()
    await stage.follow(ada, edith)
    options = (PollOption(name="wool"), PollOption(name="flax"))
    edited = parsed.WHEN + timedelta(hours=1)
    note = parsed.note(edith.uri, type="Question", updated=edited, poll=Poll(options=options, voters=0))
    await stage.apply(parsed.create(note))
    newer = (PollOption(name="wool", votes=4), PollOption(name="flax"))
    poll = Poll(options=newer, voters=4)
    again = parsed.note(edith.uri, id=note.id, type="Question", updated=edited, poll=poll)
    assert await stage.apply(parsed.update(again)) == [Outcome.APPLIED]
    assert await counts(stage, note.id) == ([4, 0], 4)
