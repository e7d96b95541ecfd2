"""Polls through the client API."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mastodon import MastodonAPIError, MastodonNotFoundError

from shared.database.edits import refresh_polls
from shared.protocol.objects import Poll, PollOption
from shared.protocol.reader import read_activity
from shared.queue.topology import FANOUT_PLAN
from tests.integration.gateway.remote_rows import remote_actor, remote_post
from tests.integration.gateway.running import RunningGateway


def ask(site: RunningGateway, name: str, **options: Any) -> Any:
    """Post a poll with the options wool and flax."""
    client = site.client(name)
    poll = client.make_poll(["wool", "flax"], 600, multiple=options.pop("multiple", False))
    return client.status_post("Which one?", poll=poll, **options)


def remote_poll(site: RunningGateway, host: str, *, ended: bool = False) -> int:
    """Store a poll of another server and return the id of its post."""
    post = remote_post(site, remote_actor(site, "edith", host), "Which one?")
    ends = datetime.now(UTC) + timedelta(minutes=-5 if ended else 5)
    options = (PollOption(name="wool", votes=3), PollOption(name="flax"))
    site.execute("UPDATE statuses SET object_type = 'Question', poll = '{}' WHERE id = $1", post)
    poll = Poll(options=options, multiple=True, ends_at=ends, voters=3)
    site.db(lambda conn: refresh_polls(conn, [(post, poll)]))
    return post


def test_poll_is_made_and_sent_as_a_question(site: RunningGateway) -> None:
    """A poll goes out as a Question with its end, and is shown without votes."""
    with site.outbox() as sent:
        post = ask(site, "ada")
    assert [option.title for option in post.poll.options] == ["wool", "flax"]
    assert (post.poll.votes_count, post.poll.voters_count, post.poll.expired) == (0, 0, False)
    (message,) = [one for one in sent if one.queue == FANOUT_PLAN]
    wire = json.loads(message.item.body)["object"]
    assert wire["type"] == "Question"
    assert [option["name"] for option in wire["oneOf"]] == ["wool", "flax"]
    assert datetime.fromisoformat(wire["endTime"]) == post.poll.expires_at
    assert wire["votersCount"] == 0


def test_local_vote_counts_at_once_and_once(site: RunningGateway) -> None:
    """A vote here is counted and shown as one's own; a second is refused, and the author has none."""
    post = ask(site, "ada")
    grace = site.client("grace")
    with site.outbox() as sent:
        poll = grace.poll_vote(post.poll.id, [1])
    assert sent == []
    assert (poll.voted, poll.own_votes) == (True, [1])
    assert [option.votes_count for option in poll.options] == [0, 1]
    assert (poll.votes_count, poll.voters_count) == (1, 1)
    with pytest.raises(MastodonAPIError, match="already voted"):
        grace.poll_vote(post.poll.id, [0])
    with pytest.raises(MastodonAPIError, match="your own"):
        site.client("ada").poll_vote(post.poll.id, [0])
    assert site.visitor().poll(post.poll.id).votes_count == 1


def test_vote_for_a_remote_poll_goes_to_its_author(site: RunningGateway) -> None:
    """Each choice is a Create of a bare Note to the author alone, and shows at once."""
    post = remote_poll(site, "polls.example")
    with site.outbox() as sent:
        poll = site.client("ada").poll_vote(post, [0, 1])
    assert [option.votes_count for option in poll.options] == [4, 1]
    assert (poll.voters_count, poll.own_votes) == (4, [0, 1])
    assert [message.queue for message in sent] == [FANOUT_PLAN] * 2
    for message, name in zip(sent, ("wool", "flax"), strict=True):
        wire = json.loads(message.item.body)
        assert wire["to"] == ["https://polls.example/users/edith"]
        assert set(wire["object"]) == {"id", "type", "name", "inReplyTo", "attributedTo", "to"}
        vote = read_activity(message.item.body)
        assert getattr(vote, "note").is_vote  # noqa: B009 - which activity it is, the next line shows
        assert (wire["type"], wire["object"]["name"]) == ("Create", name)


@pytest.mark.parametrize(("choices", "reason"), [([2], "does not exist"), ([], "does not exist")])
def test_choice_that_makes_no_sense(site: RunningGateway, choices: list[int], reason: str) -> None:
    """An option that is not there, or none, is refused."""
    post = ask(site, "ada")
    with pytest.raises(MastodonAPIError, match=reason):
        site.client("grace").poll_vote(post.poll.id, choices)


def test_only_one_choice_where_only_one_is_allowed(site: RunningGateway) -> None:
    """Two choices in a poll with one are refused, and nothing is counted."""
    post = ask(site, "ada")
    with pytest.raises(MastodonAPIError, match="Only one"):
        site.client("grace").poll_vote(post.poll.id, [0, 1])
    assert site.visitor().poll(post.poll.id).votes_count == 0


def test_ended_poll_takes_no_votes(site: RunningGateway) -> None:
    """After its end a poll says so and a vote is refused."""
    post = remote_poll(site, "ended.example", ended=True)
    assert site.visitor().poll(post).expired
    with pytest.raises(MastodonAPIError, match="already ended"):
        site.client("ada").poll_vote(post, [0])


def test_poll_that_cannot_be_seen_is_not_there(site: RunningGateway) -> None:
    """Who may not see a poll can neither read it nor vote in it; a post without a poll has none."""
    hidden = ask(site, "ada", visibility="direct")
    plain = site.client("ada").status_post("no poll")
    for identifier in (hidden.id, plain.id):
        with pytest.raises(MastodonNotFoundError):
            site.client("grace").poll(identifier)
        with pytest.raises(MastodonNotFoundError):
            site.client("grace").poll_vote(identifier, [0])


def test_edit_keeps_the_poll(site: RunningGateway) -> None:
    """An edit of the text leaves poll and votes as they are; the poll itself cannot be changed."""
    post = ask(site, "ada")
    site.client("grace").poll_vote(post.poll.id, [0])
    ada = site.client("ada")
    same = ada.make_poll(["wool", "flax"], 600)
    edited = ada.status_update(post.id, "Which one, then?", poll=same)
    assert edited.poll.votes_count == 1
    with pytest.raises(MastodonAPIError, match="cannot be added or changed"):
        ada.status_update(post.id, "Which?", poll=ada.make_poll(["silk", "flax"], 600))


def test_deleted_poll_leaves_no_votes(site: RunningGateway) -> None:
    """With the post its votes are gone."""
    post = ask(site, "ada")
    site.client("grace").poll_vote(post.poll.id, [0])
    site.client("ada").status_delete(post.id)
    for table in ("polls", "poll_votes"):
        assert site.value(f"SELECT count(*) FROM {table} WHERE status_id = $1", post.id) == 0  # noqa: S608
