"""What people do to hear less, or more: mutes for a time, blocked servers, followed hashtags."""

import pytest
from mastodon import MastodonAPIError

from services.timeline_builder import lapses
from shared.database import follows, timelines
from shared.database.follows import FollowRow, FollowState
from tests.integration.gateway.remote_rows import remote_actor, remote_follow, remote_post
from tests.integration.gateway.running import RunningGateway
from tests.integration.gateway.test_streaming import applied
from tests.integration.gateway.test_timelines import fan_out


def follow(site: RunningGateway, follower_id: int, followee_id: int) -> None:
    """Have an account here follow somebody elsewhere."""
    row_id = site.gateway.site.ids.next()
    row = FollowRow(
        id=row_id,
        uri=f"{site.origin}/follows/{row_id}",
        follower_id=follower_id,
        followee_id=followee_id,
        state=FollowState.ACCEPTED,
    )
    site.db(lambda conn: follows.insert(conn, [row]))
    site.db(lambda conn: timelines.extend(conn, [follower_id]))


def test_a_mute_for_a_time_ends_by_itself(site: RunningGateway) -> None:
    """A mute with a duration says when it ends; then the posts are back, unlike those of one without."""
    me = site.account("patient")
    patient = site.client("patient")
    loud, louder = (remote_actor(site, name, "loud.example") for name in ("loud", "louder"))
    for actor in (loud, louder):
        follow(site, me, actor)
    post, other = (remote_post(site, actor, "loud") for actor in (loud, louder))
    fan_out(site, str(post), str(other))
    muted = patient.account_mute(loud, duration=3600, notifications=False)
    patient.account_mute(louder)
    assert muted.muting_expires_at is not None
    assert muted.muting_notifications is False
    assert patient.timeline_home() == []
    site.run(lapses.once(site.gateway.pool))
    assert patient.account_relationships(loud)[0].muting
    site.execute("UPDATE mutes SET expires_at = now() WHERE actor_id = $1 AND target_id = $2", me, loud)
    site.run(lapses.once(site.gateway.pool))
    assert not patient.account_relationships(loud)[0].muting
    assert [one.id for one in patient.timeline_home()] == [str(post)]
    assert patient.account_relationships(louder)[0].muting


def test_a_blocked_server_is_not_heard(site: RunningGateway) -> None:
    """Blocking a server hides its public posts and boosts of them, and ends its followers' follows."""
    me = site.account("blocks_servers")
    client = site.client("blocks_servers")
    theirs = remote_actor(site, "them", "bad.example")
    friend = remote_actor(site, "friend", "fine.example")
    follow(site, me, friend)
    remote_follow(site, theirs, me, FollowState.ACCEPTED)
    post = remote_post(site, theirs, "from there")
    site.execute(
        "INSERT INTO statuses (id, uri, uri_hash, local, actor_id, conversation_id, visibility, created_at,"
        " reblog_of_id) VALUES ($1, 'boost', 'boost of bad'::bytea, false, $2, $1, 0, now(), $3)",
        boost := site.gateway.site.ids.next(),
        friend,
        post,
    )
    fan_out(site, str(boost))
    assert [one.id for one in client.timeline_home()] == [str(boost)]
    with site.outbox() as sent:
        client.domain_block("bad.example")
    assert [type(one.item.activity).__name__ for one in sent] == ["Reject"]
    assert client.domain_blocks() == ["bad.example"]
    assert client.timeline_home() == []
    assert str(post) not in {one.id for one in client.timeline_public(limit=40)}
    assert client.account_followers(me) == []
    assert client.account_relationships(theirs)[0].domain_blocking
    with pytest.raises(MastodonAPIError, match="403"):
        client.account_follow(theirs)
    client.domain_unblock("bad.example")
    assert [one.id for one in client.timeline_home()] == [str(boost)]
    with pytest.raises(MastodonAPIError, match="422"):
        client.domain_block(site.gateway.site.uris.account_domain)


def test_posts_under_followed_hashtags_come_home(site: RunningGateway) -> None:
    """Public posts of anybody under a followed hashtag stand in the home timeline, old and new ones."""
    site.account("curious")
    curious, ada = site.client("curious"), site.client("ada")
    old = applied(site, lambda: ada.status_post("about #Shuttles"))
    assert curious.tag_follow("Shuttles").following
    assert [one.name for one in curious.followed_tags()] == ["shuttles"]
    assert curious.tag("shuttles").following
    new = applied(site, lambda: ada.status_post("more #shuttles"))
    applied(site, lambda: ada.status_post("few #shuttles", visibility="unlisted"))
    assert [one.id for one in curious.timeline_home()] == [new.id, old.id]
    assert not curious.tag_unfollow("shuttles").following
    assert curious.timeline_home() == []
