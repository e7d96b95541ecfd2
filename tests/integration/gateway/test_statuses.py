"""Posts through the client API: writing, reading, editing, deleting, and who may see what."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from mastodon import MastodonAPIError, MastodonNotFoundError

from shared.protocol.activities import Announce, Create, Delete, Like, Undo, UpdateNote
from shared.protocol.identifiers import PUBLIC
from shared.protocol.objects import Visibility
from shared.queue.topology import ACTIVITY_ACCEPTED, FANOUT_PLAN
from tests.integration.gateway.remote_rows import remote_actor, remote_post
from tests.integration.gateway.running import RunningGateway


def test_a_post_is_there_at_once_and_told_to_everybody(site: RunningGateway) -> None:
    """What is posted stands in the author's home timeline at once, and one Create goes to each queue."""
    ada = site.client("ada")
    with site.outbox() as sent:
        post = ada.status_post(
            "Hello @grace,\nabout #Looms: https://example.com/",
            spoiler_text="weaving",
            language="en",
            visibility="public",
        )
    assert ada.timeline_home()[0].id == post.id
    assert (post.spoiler_text, post.language, post.visibility, post.sensitive) == (
        "weaving",
        "en",
        "public",
        True,
    )
    assert [mention.acct for mention in post.mentions] == ["grace"]
    assert [tag.name for tag in post.tags] == ["looms"]
    assert '<a href="https://example.com/"' in post.content
    assert ada.me().statuses_count >= 1
    assert [message.queue for message in sent] == [ACTIVITY_ACCEPTED, FANOUT_PLAN]
    create = sent[0].item.activity
    assert isinstance(create, Create)
    assert create.note.id == post.uri
    assert create.to == (PUBLIC,)
    assert site.author("grace").uri in create.cc
    assert sent[0].item.local


def test_an_account_that_does_not_federate_tells_only_this_site(site: RunningGateway) -> None:
    """Without federation a post reaches the site's own timelines and leaves nothing for other servers."""
    site.account("private_person", federated=False)
    with site.outbox() as sent:
        site.client("private_person").status_post("for us alone")
    assert [message.queue for message in sent] == [ACTIVITY_ACCEPTED]


def test_an_idempotency_key_makes_one_post(site: RunningGateway) -> None:
    """The same key gives the same post, however often it is sent; another key gives another."""
    ada = site.client("ada")
    first = ada.status_post("once", idempotency_key="k1")
    assert ada.status_post("once", idempotency_key="k1").id == first.id
    assert ada.status_post("once", idempotency_key="k2").id != first.id


def test_requests_at_once_with_one_key_make_one_post(site: RunningGateway) -> None:
    """A client that sends the same post twice at once, as impatient ones do, makes one."""
    site.token("ada")

    def post(_: int) -> str:
        identifier: str = site.client("ada").status_post("in a hurry", idempotency_key="hurry").id
        return identifier

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(post, range(4)))) == 1


def test_replies_make_a_thread(site: RunningGateway) -> None:
    """A thread is told from any of its posts: what led to it, and what followed."""
    ada, grace = site.client("ada"), site.client("grace")
    root = ada.status_post("root")
    middle = grace.status_post("@ada middle", in_reply_to_id=root.id)
    leaf = ada.status_post("@grace leaf", in_reply_to_id=middle.id)
    context = site.visitor().status_context(middle.id)
    assert [status.id for status in context.ancestors] == [root.id]
    assert [status.id for status in context.descendants] == [leaf.id]
    assert ada.status(root.id).replies_count == 1
    assert middle.in_reply_to_account_id == ada.me().id
    with pytest.raises(MastodonNotFoundError, match="reply to"):
        ada.status_post("to nothing", in_reply_to_id=1)


@pytest.mark.parametrize(
    ("visibility", "stranger", "visitor"),
    [("public", True, True), ("unlisted", True, True), ("private", False, False), ("direct", False, False)],
)
def test_who_may_see_a_post(site: RunningGateway, visibility: str, stranger: bool, visitor: bool) -> None:
    """Each visibility shows a post to whom it is meant for, by every way of asking, and to nobody else."""
    site.account(f"other_{visibility}")
    other = site.client(f"other_{visibility}")
    grace, me = site.client("grace"), site.author("ada").id
    post = site.client("ada").status_post("@grace seen by some", visibility=visibility)
    assert grace.status(post.id).visibility == visibility
    for reader, allowed in ((other, stranger), (site.visitor(), visitor)):
        assert (post.id in [status.id for status in reader.account_statuses(me, limit=40)]) is allowed
        assert bool(reader.statuses([post.id])) is allowed
        for ask in (reader.status, reader.status_context, reader.status_history, reader.status_favourited_by):
            if allowed:
                ask(post.id)
            else:
                with pytest.raises(MastodonNotFoundError):
                    ask(post.id)
    timeline = [status.id for status in site.visitor().timeline_public()]
    assert (post.id in timeline) is (visibility == "public")


def test_followers_see_what_is_for_followers(site: RunningGateway) -> None:
    """A follower sees a post for followers, and no longer once they stopped following."""
    site.account("reader")
    reader, author = site.client("reader"), site.client("ada")
    post = author.status_post("for those who follow", visibility="private")
    reader.account_follow(author.me().id)
    assert reader.status(post.id).visibility == "private"
    reader.account_unfollow(author.me().id)
    with pytest.raises(MastodonNotFoundError):
        reader.status(post.id)


def test_editing_keeps_the_history(site: RunningGateway) -> None:
    """An edit shows the new text, keeps the old one, names people anew, and is sent as Update(Note)."""
    ada = site.client("ada")
    post = ada.status_post("frist", language="en")
    with site.outbox() as sent:
        edited = ada.status_update(post.id, "first, @grace", spoiler_text="typo")
    assert edited.content.startswith("<p>first, ")
    assert edited.edited_at is not None
    assert (edited.spoiler_text, edited.language) == ("typo", "en")
    history = ada.status_history(post.id)
    assert [version.content for version in history] == ["<p>frist</p>", edited.content]
    assert history[0].created_at == post.created_at
    source = ada.status_source(post.id)
    assert (source.text, source.spoiler_text) == ("first, @grace", "typo")
    update = sent[0].item.activity
    assert isinstance(update, UpdateNote)
    assert update.note.updated is not None
    assert update.note.published is not None
    assert [mention.href for mention in update.note.mentions] == [site.author("grace").uri]


def test_nobody_edits_or_deletes_what_is_anothers(site: RunningGateway) -> None:
    """Another's post can be neither edited nor deleted nor read in its source."""
    post = site.client("ada").status_post("mine")
    grace = site.client("grace")
    for attempt in (
        lambda: grace.status_update(post.id, "yours now"),
        lambda: grace.status_delete(post.id),
        lambda: grace.status_source(post.id),
    ):
        with pytest.raises(MastodonNotFoundError):
            attempt()
    assert site.visitor().status(post.id).content == "<p>mine</p>"


def test_deleting_gives_the_text_back_and_leaves_a_tombstone(site: RunningGateway) -> None:
    """A delete answers with what was written, empties the row, uncounts it, and is sent as Delete."""
    ada, grace = site.client("ada"), site.client("grace")
    root = ada.status_post("root of it")
    post = ada.status_post("short-lived *text*", in_reply_to_id=root.id)
    grace.status_reblog(post.id)
    before = ada.me().statuses_count
    with site.outbox() as sent:
        deleted = ada.status_delete(post.id)
    assert deleted.text == "short-lived *text*"
    with pytest.raises(MastodonNotFoundError):
        ada.status(post.id)
    row = site.value(
        "SELECT (content, source, deleted_at IS NOT NULL) FROM statuses WHERE id = $1", int(post.id)
    )
    assert tuple(row) == ("", "", True)
    assert ada.me().statuses_count == before - 1
    assert ada.status(root.id).replies_count == 0
    assert post.id not in [status.id for status in ada.timeline_home()]
    delete = sent[0].item.activity
    assert isinstance(delete, Delete)
    assert delete.object == post.uri
    assert PUBLIC in delete.to


def test_deleting_takes_few_statements(site: RunningGateway) -> None:
    """Deleting a post costs the database ten statements, the ends of its transaction included."""
    ada = site.client("ada")
    ada.status_delete(ada.status_post("so that the driver has met everything").id)
    post = ada.status_post("@grace short-lived #loom")
    with site.counting_queries() as queries:
        ada.status_delete(post.id)
    assert len(queries) <= 10


def test_posting_takes_few_statements(site: RunningGateway) -> None:
    """A post that names nobody and nothing costs the database ten statements, its answer included."""
    ada = site.client("ada")
    ada.status_post("so that the driver has met everything")
    with site.counting_queries() as queries:
        ada.status_post("plain")
    assert len(queries) <= 10


def test_deleting_tells_those_who_boosted(site: RunningGateway) -> None:
    """The servers of remote boosters are among those a Delete is addressed to."""
    post = site.client("ada").status_post("boosted far away")
    booster = remote_actor(site, "bob", "boosts.example")
    site.execute(
        "INSERT INTO statuses (id, uri, uri_hash, local, actor_id, reblog_of_id, conversation_id, visibility,"
        " created_at) VALUES ($1, 'https://boosts.example/1', '\\x01', false, $2, $3, 1, 0, now())",
        site.gateway.site.ids.next(),
        booster,
        int(post.id),
    )
    with site.outbox() as sent:
        site.client("ada").status_delete(post.id)
    assert "https://boosts.example/users/bob" in sent[0].item.activity.cc


def test_liking_a_remote_post_tells_its_server_once(site: RunningGateway) -> None:
    """A like is counted once, listed, and sent to the author; taking it back sends Undo with the Like."""
    ada = site.client("ada")
    writer = remote_actor(site, "wim", "remote.example")
    post = remote_post(site, writer, "likeable")
    with site.outbox() as sent:
        assert ada.status_favourite(post).favourited
        assert ada.status_favourite(post).favourites_count == 1
        assert [status.id for status in ada.favourites()] == [str(post)]
        assert [account.acct for account in ada.status_favourited_by(post)] == ["ada"]
        undone = ada.status_unfavourite(post)
    assert not undone.favourited
    assert undone.favourites_count == 0
    like, undo = (message.item.activity for message in sent)
    assert {message.queue for message in sent} == {FANOUT_PLAN}
    assert isinstance(like, Like)
    assert like.to == ("https://remote.example/users/wim",)
    assert isinstance(undo, Undo)
    assert (undo.undone_id, undo.undone_type, undo.object) == (like.id, "Like", like.object)


def test_boosting_shares_a_post_once(site: RunningGateway) -> None:
    """A boost is a status of its own that carries the post; the Announce has its URI; undoing removes it."""
    ada = site.client("ada")
    post = remote_post(site, remote_actor(site, "wyn", "remote.example"), "shareable")
    with site.outbox() as sent:
        boost = ada.status_reblog(post)
        assert ada.status_reblog(post).id == boost.id
        assert [account.acct for account in ada.status_reblogged_by(post)] == ["ada"]
        undone = ada.status_unreblog(post)
    assert boost.reblog.id == str(post)
    assert boost.reblog.reblogged
    assert boost.reblog.reblogs_count == 1
    assert not undone.reblogged
    assert undone.reblogs_count == 0
    assert [type(message.item.activity) for message in sent] == [Announce, Announce, Undo, Undo]
    announce = sent[0].item.activity
    assert announce.id == boost.uri
    assert "https://remote.example/users/wyn" in announce.cc


def test_what_is_not_for_everybody_is_not_boosted(site: RunningGateway) -> None:
    """Posts for followers are boosted by their author alone, direct ones by nobody."""
    ada, grace = site.client("ada"), site.client("grace")
    own = ada.status_post("mine for followers", visibility="private")
    assert ada.status_reblog(own.id).visibility == "private"
    direct = ada.status_post("@grace psst", visibility="direct")
    with pytest.raises(MastodonAPIError, match="not allowed"):
        grace.status_reblog(direct.id)
    hidden = remote_post(site, remote_actor(site, "hal", "remote.example"), "hidden", Visibility.FOLLOWERS)
    with pytest.raises(MastodonNotFoundError):
        ada.status_reblog(hidden)


def test_bookmarks_are_private(site: RunningGateway) -> None:
    """A bookmark is listed for its owner and told to nobody."""
    ada = site.client("ada")
    post = site.client("grace").status_post("keep me")
    with site.outbox() as sent:
        assert ada.status_bookmark(post.id).bookmarked
        assert [status.id for status in ada.bookmarks()] == [post.id]
        assert not ada.status_unbookmark(post.id).bookmarked
    assert sent == []
    assert ada.bookmarks() == []


def test_an_unknown_mention_stays_text(site: RunningGateway) -> None:
    """A handle whose server does not answer stays plain text, and the post is published all the same."""
    post = site.client("ada").status_post("@nobody@nowhere.invalid are you there?")
    assert post.mentions == []
    assert post.content == "<p>@nobody@nowhere.invalid are you there?</p>"


def test_a_known_remote_mention_is_addressed(site: RunningGateway) -> None:
    """A remote account that is known is linked, tagged and addressed, also in a direct post."""
    remote_actor(site, "zoe", "remote.example")
    with site.outbox() as sent:
        post = site.client("ada").status_post("@zoe@remote.example hi", visibility="direct")
    assert [mention.acct for mention in post.mentions] == ["zoe@remote.example"]
    assert sent[1].item.activity.to == ("https://remote.example/users/zoe",)
    assert b'"name":"@zoe@remote.example"' in sent[1].item.body


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": ""}, "can't be blank"),
        ({"status": "x" * 5001}, "character limit"),
        ({"status": "x", "visibility": "everybody"}, "Visibility"),
        ({"status": "x", "media_ids": ["1"]}, "Media is not there, or on another post"),
        ({"status": "x", "poll": {"options": ["a", "b"], "expires_in": 60}}, "duration is too short"),
        ({"status": "x", "poll": {"options": ["a", "b"]}}, "duration is too short"),
        ({"status": "x", "poll": {"options": ["a", "b"], "expires_in": 1 << 40}}, "duration is too long"),
        ({"status": "x", "poll": {"options": ["a"], "expires_in": 300}}, "more than one"),
        ({"status": "x", "poll": {"options": ["a", " a"], "expires_in": 300}}, "duplicate"),
        ({"status": "x", "poll": {"options": ["a", "b" * 51], "expires_in": 300}}, "longer than"),
        ({"status": "x", "poll": {"options": list("abcde"), "expires_in": 300}}, "more than 4"),
        ({"status": "x", "scheduled_at": "2050-01-01T00:00:00Z"}, "Scheduled posts are not supported"),
        ({"status": "x", "language": "no such language!"}, "Language is invalid"),
        ({"status": "x", "in_reply_to_id": "one"}, "in_reply_to_id"),
    ],
)
def test_what_cannot_be_posted_is_refused_with_a_reason(
    site: RunningGateway, fields: dict[str, Any], reason: str
) -> None:
    """A post that cannot be made as asked is refused with 422 and words, and nothing is written."""
    with site.outbox() as sent:
        answer = requests.post(
            f"{site.origin}/api/v1/statuses", json=fields, headers=site.headers("ada"), timeout=20
        )
    assert answer.status_code == 422
    assert reason in answer.json()["error"]
    assert sent == []
