"""Pinned posts through the client API."""

import pytest
from mastodon import MastodonAPIError

from shared.actions.pins import MAX_PINS
from shared.database import pins
from shared.protocol.activities import Add, Remove
from shared.queue.topology import FANOUT_PLAN
from tests.integration.gateway.remote_rows import remote_actor, remote_post
from tests.integration.gateway.running import RunningGateway


def pinned(site: RunningGateway, account_id: int) -> list[int]:
    """Return the posts on top of a profile."""
    return [post.id for post in site.visitor().account_statuses(account_id, pinned=True)]


def test_pin_shows_and_is_told(site: RunningGateway) -> None:
    """A pinned post stands on top of the profile, says so to its author, and followers elsewhere are told."""
    ada = site.client("ada")
    post, me = ada.status_post("remember this"), ada.me()
    with site.outbox() as sent:
        assert ada.status_pin(post.id).pinned
        assert ada.status_pin(post.id).pinned
    assert pinned(site, me.id) == [post.id]
    (message,) = sent
    activity = message.item.activity
    assert message.queue == FANOUT_PLAN
    assert isinstance(activity, Add)
    assert (activity.object, activity.target) == (post.uri, f"{me.uri}/collections/featured")
    assert f"{me.uri}/followers" in (*activity.to, *activity.cc)
    with site.outbox() as sent:
        assert not ada.status_unpin(post.id).pinned
        assert not ada.status_unpin(post.id).pinned
    assert [type(message.item.activity) for message in sent] == [Remove]
    assert pinned(site, me.id) == []


def test_no_more_than_the_limit(site: RunningGateway) -> None:
    """One pin too many is refused, and so is another's post or a direct message."""
    site.account("collector")
    collector = site.client("collector")
    for number in range(MAX_PINS):
        collector.status_pin(collector.status_post(f"number {number}").id)
    more = collector.status_post("one too many")
    with pytest.raises(MastodonAPIError, match="maximum number"):
        collector.status_pin(more.id)
    assert len(pinned(site, collector.me().id)) == MAX_PINS
    other = site.client("ada").status_post("mine")
    with pytest.raises(MastodonAPIError, match="Someone else"):
        site.client("grace").status_pin(other.id)
    direct = site.client("ada").status_post("psst", visibility="direct")
    with pytest.raises(MastodonAPIError, match="cannot be pinned"):
        site.client("ada").status_pin(direct.id)


def test_pinned_post_for_followers_is_shown_to_them_only(site: RunningGateway) -> None:
    """Who may not see a post does not see it because it is pinned."""
    site.account("discreet")
    discreet = site.client("discreet")
    post = discreet.status_post("for friends", visibility="private")
    discreet.status_pin(post.id)
    me = discreet.me().id
    assert pinned(site, me) == []
    assert [one.id for one in discreet.account_statuses(me, pinned=True)] == [post.id]


def test_deleted_post_is_unpinned(site: RunningGateway) -> None:
    """A pinned post that is deleted makes room for another."""
    site.account("tidy")
    tidy = site.client("tidy")
    post = tidy.status_post("soon gone")
    tidy.status_pin(post.id)
    tidy.status_delete(post.id)
    assert site.value("SELECT count(*) FROM pins WHERE status_id = $1", post.id) == 0


def test_pins_of_remote_actors_are_shown(site: RunningGateway) -> None:
    """What an actor elsewhere pinned stands on top of its profile here."""
    edith = remote_actor(site, "edith", "pins.example")
    post = remote_post(site, edith, "read me first")
    remote_post(site, edith, "something else")
    pin_id = site.gateway.site.ids.next()
    site.db(lambda conn: pins.insert(conn, [(pin_id, edith, post)]))
    assert [int(one) for one in pinned(site, edith)] == [post]
