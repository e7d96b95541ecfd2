"""Notifications, markers and preferences through the client API."""

import pytest
from mastodon import MastodonNotFoundError

from shared.database.notifications import NewNotification, insert
from tests.integration.gateway.remote_rows import remote_actor, remote_post
from tests.integration.gateway.running import RunningGateway


def tell(site: RunningGateway, name: str, kind: str, actor_id: int, status_id: int | None = None) -> str:
    """Do what the timeline builder does: tell an account something; returns the notification's id."""
    identifier = site.gateway.site.ids.next()
    new = NewNotification(
        id=identifier, account_id=site.author(name).id, kind=kind, actor_id=actor_id, status_id=status_id
    )
    site.db(lambda conn: insert(conn, [new]))
    return str(identifier)


def test_notifications_by_kind(site: RunningGateway) -> None:
    """Notifications come newest first with account and post, and can be filtered by kind and by account."""
    site.account("told")
    told = site.client("told")
    bob, eve = remote_actor(site, "bob", "n.example"), remote_actor(site, "eve", "n.example")
    post = remote_post(site, bob, "hello @told")
    follow = tell(site, "told", "follow", eve)
    mention = tell(site, "told", "mention", bob, post)
    everything = told.notifications()
    assert [one.id for one in everything] == [mention, follow]
    assert (everything[0].type, everything[0].status.id) == ("mention", str(post))
    assert (everything[1].type, everything[1].account.acct) == ("follow", "eve@n.example")
    assert everything[1].status is None
    assert [one.id for one in told.notifications(types=["follow"])] == [follow]
    assert [one.id for one in told.notifications(exclude_types=["follow"])] == [mention]
    assert [one.id for one in told.notifications(account_id=eve)] == [follow]
    assert told.notifications(mention).type == "mention"


def test_dismissing_and_clearing(site: RunningGateway) -> None:
    """A dismissed notification is gone, clearing puts all away, and nobody touches another's."""
    site.account("tidy")
    tidy, ada = site.client("tidy"), site.client("ada")
    eve = remote_actor(site, "eve", "n.example")
    post = remote_post(site, eve, "x")
    first, second = tell(site, "tidy", "follow", eve), tell(site, "tidy", "mention", eve, post)
    ada.notifications_dismiss(second)
    ada.notifications_clear()
    assert [one.id for one in tidy.notifications()] == [second, first]
    with pytest.raises(MastodonNotFoundError):
        ada.notifications(second)
    tidy.notifications_dismiss(second)
    assert [one.id for one in tidy.notifications()] == [first]
    tidy.notifications_clear()
    assert tidy.notifications() == []


def test_unread_counts_from_the_marker(site: RunningGateway) -> None:
    """What lies beyond the marker is unread; markers are kept for each timeline."""
    site.account("marker")
    client = site.client("marker")
    eve = remote_actor(site, "eve", "n.example")
    ids = [tell(site, "marker", "mention", eve, remote_post(site, eve, str(number))) for number in range(3)]
    assert client.notifications_unread_count().count == 3
    saved = client.markers_set(["notifications", "home"], [ids[1], ids[0]])
    assert saved["notifications"].last_read_id == ids[1]
    assert client.notifications_unread_count().count == 1
    assert client.markers_get(["home", "notifications"])["home"].last_read_id == ids[0]
    assert client.markers_get(["home"]).keys() == {"home"}


def test_a_notification_about_what_is_gone_is_gone(site: RunningGateway) -> None:
    """Notifications about deleted posts, from blocked or muted accounts, are not shown."""
    site.account("calm")
    calm = site.client("calm")
    eve, mia = remote_actor(site, "eve", "n.example"), remote_actor(site, "mia", "n.example")
    post = remote_post(site, eve, "gone soon")
    tell(site, "calm", "mention", eve, post)
    tell(site, "calm", "follow", mia)
    site.execute("UPDATE statuses SET deleted_at = now() WHERE id = $1", post)
    assert [one.account.acct for one in calm.notifications()] == ["mia@n.example"]
    calm.account_mute(mia, notifications=False)
    assert len(calm.notifications()) == 1
    calm.account_mute(mia, notifications=True)
    assert calm.notifications() == []
