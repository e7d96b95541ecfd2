"""Accounts through the client API."""

from typing import Any

import pytest
import requests
from mastodon import MastodonAPIError, MastodonNotFoundError

from shared.database import moves
from shared.database.follows import FollowState
from shared.protocol.activities import Accept, Block, Follow, Reject, Undo, UpdateActor
from shared.queue.topology import ACTIVITY_ACCEPTED, FANOUT_PLAN
from tests.integration.gateway.remote_rows import remote_actor, remote_follow
from tests.integration.gateway.running import RunningGateway


def test_verify_credentials_tells_who_one_is(site: RunningGateway) -> None:
    """A signed-in client learns its own account, with the settings only its owner sees."""
    me = site.client("ada").account_verify_credentials()
    assert (me.username, me.acct, me.display_name) == ("ada", "ada", "Ada")
    assert me.source.privacy == "public"
    assert me.url == f"{site.origin}/@ada"


def test_lookup_finds_local_and_remote_handles(site: RunningGateway) -> None:
    """A handle finds its account with or without @ and domain, in any case; a remote one has its domain."""
    remote = remote_actor(site, "wanda", "remote.example")
    visitor = site.visitor()
    domain = site.gateway.site.uris.account_domain
    for acct in ("ada", "@Ada", f"ada@{domain}"):
        assert visitor.account_lookup(acct).username == "ada"
    found = visitor.account_lookup("wanda@Remote.Example")
    assert (found.id, found.acct) == (str(remote), "wanda@remote.example")
    with pytest.raises(MastodonNotFoundError):
        visitor.account_lookup("nobody")


def test_following_a_local_account_holds_at_once(site: RunningGateway) -> None:
    """Following an unlocked local account needs no answer, is counted, and tells the builder alone."""
    ada, grace = site.client("ada"), site.author("grace")
    with site.outbox() as sent:
        relationship = ada.account_follow(grace.id)
    assert relationship.following
    assert not relationship.requested
    assert ada.account(grace.id).followers_count == 1
    assert ada.me().following_count == 1
    assert [message.queue for message in sent] == [ACTIVITY_ACCEPTED]
    assert isinstance(sent[0].item.activity, Follow)
    assert [account.acct for account in ada.account_followers(grace.id)] == ["ada"]
    assert [account.acct for account in ada.account_following(ada.me().id)] == ["grace"]
    assert not ada.account_unfollow(grace.id).following
    assert ada.account(grace.id).followers_count == 0


def test_following_a_remote_account_waits_for_its_answer(site: RunningGateway) -> None:
    """Following a remote account sends a Follow and stays requested; unfollowing embeds that very Follow."""
    ada, remote = site.client("ada"), remote_actor(site, "rita", "remote.example")
    with site.outbox() as sent:
        relationship = ada.account_follow(remote)
        ada.account_unfollow(remote)
    assert relationship.requested
    assert not relationship.following
    follow, undo = (message.item.activity for message in sent)
    assert {message.queue for message in sent} == {FANOUT_PLAN}
    assert isinstance(follow, Follow)
    assert follow.object == "https://remote.example/users/rita"
    assert isinstance(undo, Undo)
    assert undo.undone_id == follow.id
    assert (
        b'"object":{"id":"%s","type":"Follow","actor":"%s"' % (follow.id.encode(), follow.actor.encode())
        in sent[1].item.body
    )


def test_an_account_that_does_not_federate_follows_nobody_elsewhere(site: RunningGateway) -> None:
    """Where federation is off, a remote follow is refused with a reason, and nothing is sent."""
    site.account("hermit", federated=False)
    remote = remote_actor(site, "rob", "remote.example")
    with site.outbox() as sent, pytest.raises(MastodonAPIError, match="Federation is switched off"):
        site.client("hermit").account_follow(remote)
    assert sent == []


def test_a_locked_account_lets_followers_in_by_hand(site: RunningGateway) -> None:
    """A follow of a locked account waits until it is authorized, and can be rejected later."""
    ada, locked = site.client("ada"), site.client("locked")
    me, them = ada.me().id, locked.me().id
    assert ada.account_follow(them).requested
    assert [account.acct for account in locked.follow_requests()] == ["ada"]
    with site.outbox() as sent:
        assert locked.follow_request_authorize(me).followed_by
        assert ada.account_relationships(them)[0].following
        locked.account_remove_from_followers(me)
    assert [type(message.item.activity) for message in sent] == [Accept, Reject]
    assert not ada.account_relationships(them)[0].following
    assert locked.me().followers_count == 0


def test_answering_a_remote_request_sends_the_whole_follow_back(site: RunningGateway) -> None:
    """Accept and Reject of a remote follower embed the Follow that they answer."""
    locked, remote = site.client("locked"), remote_actor(site, "uma", "remote.example")
    uri = remote_follow(site, remote, site.author("locked").id, FollowState.REQUESTED)
    with site.outbox() as sent:
        locked.follow_request_authorize(remote)
    assert [message.queue for message in sent] == [FANOUT_PLAN]
    accept = sent[0].item.activity
    assert isinstance(accept, Accept)
    assert (accept.follow_id, accept.follower) == (uri, "https://remote.example/users/uma")
    assert uri.encode() in sent[0].item.body


def test_blocking_ends_follows_both_ways_and_hides(site: RunningGateway) -> None:
    """A block ends follows in both directions, hides the author's posts, and forbids following anew."""
    ada, grace = site.client("ada"), site.client("grace")
    me, them = ada.me().id, grace.me().id
    ada.account_follow(them)
    grace.account_follow(me)
    post = grace.status_post("before the block")
    with site.outbox() as sent:
        blocked = grace.account_block(me)
    assert blocked.blocking
    assert not blocked.following
    assert not blocked.followed_by
    assert isinstance(sent[-1].item.activity, Block)
    with pytest.raises(MastodonNotFoundError):
        ada.status(post.id)
    assert ada.account_statuses(them) == []
    with pytest.raises(MastodonAPIError, match="not allowed"):
        ada.account_follow(them)
    assert [account.acct for account in grace.blocks()] == ["ada"]
    assert not grace.account_unblock(me).blocking
    assert ada.status(post.id).content == "<p>before the block</p>"


def test_muting_takes_somebody_out_of_sight(site: RunningGateway) -> None:
    """A muted account disappears from the public timeline of who mutes it, and is told nothing."""
    ada, grace = site.client("ada"), site.client("grace")
    post = grace.status_post("you will not see this")
    with site.outbox() as sent:
        assert ada.account_mute(grace.me().id, notifications=True).muting_notifications
    assert sent == []
    assert post.id not in [status.id for status in ada.timeline_local()]
    assert post.id in [status.id for status in site.visitor().timeline_local()]
    assert [account.acct for account in ada.mutes()] == ["grace"]
    assert not ada.account_unmute(grace.me().id).muting
    assert post.id in [status.id for status in ada.timeline_local()]


def test_nobody_follows_blocks_or_mutes_themselves(site: RunningGateway) -> None:
    """Acting on one's own account is refused with 403."""
    me = site.author("ada").id
    for action in ("follow", "block", "mute"):
        url = f"{site.origin}/api/v1/accounts/{me}/{action}"
        assert requests.post(url, headers=site.headers("ada"), timeout=20).status_code == 403


def test_update_credentials_changes_and_announces(site: RunningGateway) -> None:
    """A changed profile is shown, keeps what was written as source, and is sent as Update(Person)."""
    grace = site.client("grace")
    with site.outbox() as sent:
        changed = grace.account_update_credentials(
            display_name="Grace H.",
            note="Compilers & #COBOL\n\nhttps://example.com/",
            bot=True,
            discoverable=True,
            locked=False,
            fields=[("Home", "https://example.com/grace"), ("Rank", "<b>Rear Admiral</b>")],
            default_privacy="unlisted",
            default_language="en",
        )
    assert changed.display_name == "Grace H."
    assert changed.bot
    assert "Compilers &amp; " in changed.note
    assert 'rel="me ' in changed.fields[0].value
    assert changed.fields[1].value == "&lt;b&gt;Rear Admiral&lt;/b&gt;"
    assert changed.source.note == "Compilers & #COBOL\n\nhttps://example.com/"
    assert changed.source.fields[1].value == "<b>Rear Admiral</b>"
    assert (changed.source.privacy, changed.source.language) == ("unlisted", "en")
    assert [message.queue for message in sent] == [FANOUT_PLAN]
    update = sent[0].item.activity
    assert isinstance(update, UpdateActor)
    assert update.profile.name == "Grace H."
    assert update.profile.keys
    assert grace.status_post("as unlisted as I like it").visibility == "unlisted"
    assert grace.preferences()["posting:default:language"] == "en"
    grace.account_update_credentials(bot=False, default_privacy="public")


def test_settings_alone_announce_nothing(site: RunningGateway) -> None:
    """Changing only defaults for new posts is nobody else's business."""
    with site.outbox() as sent:
        site.client("ada").account_update_credentials(default_sensitive=False, default_privacy="public")
    assert sent == []


def test_update_credentials_takes_json_too(site: RunningGateway) -> None:
    """Nested JSON means the same as bracketed form fields."""
    body: dict[str, Any] = {
        "source": {"language": "de"},
        "fields_attributes": {"0": {"name": "a", "value": "b"}},
    }
    url = f"{site.origin}/api/v1/accounts/update_credentials"
    changed = requests.patch(url, json=body, headers=site.headers("ada"), timeout=20).json()
    assert changed["source"]["language"] == "de"
    assert changed["fields"] == [{"name": "a", "value": "b", "verified_at": None}]


def test_an_overlong_profile_is_refused_whole(site: RunningGateway) -> None:
    """A note that is too long changes nothing and says so."""
    ada = site.client("ada")
    before = ada.me().source.note
    with pytest.raises(MastodonAPIError, match="too long"):
        ada.account_update_credentials(display_name="kept?", note="x" * 2001)
    assert (ada.me().display_name, ada.me().source.note) == ("Ada", before)


def test_pictures_are_refused_with_a_reason(site: RunningGateway) -> None:
    """What is no picture is refused in words, not dropped in silence."""
    url = f"{site.origin}/api/v1/accounts/update_credentials"
    answer = requests.patch(
        url, files={"avatar": ("a.png", b"png", "image/png")}, headers=site.headers("ada"), timeout=20
    )
    assert answer.status_code == 422
    assert "not a picture" in answer.json()["error"]


def test_familiar_followers_are_those_one_follows(site: RunningGateway) -> None:
    """Familiar followers of an account are the followers whom the caller follows."""
    ada, grace = site.client("ada"), site.client("grace")
    site.account("popular")
    popular = site.author("popular").id
    ada.account_follow(grace.me().id)
    grace.account_follow(popular)
    found = ada.account_familiar_followers(popular)
    assert [account.acct for account in found[0].accounts] == ["grace"]


def test_a_suspended_account_shows_only_its_name(site: RunningGateway) -> None:
    """Of a suspended account there is its name and nothing it said; its token opens nothing."""
    site.account("gone")
    gone = site.client("gone")
    post = gone.status_post("soon out of sight")
    site.execute("UPDATE actors SET suspended_at = now() WHERE username = 'gone'")
    shown = site.visitor().account_lookup("gone")
    assert shown.suspended
    assert shown.note == ""
    with pytest.raises(MastodonNotFoundError):
        site.visitor().status(post.id)
    with pytest.raises(MastodonAPIError, match="access token is invalid"):
        gone.me()


def test_followers_page_by_page(site: RunningGateway) -> None:
    """A long list of followers is reached whole through the Link headers, newest first, nobody twice."""
    star = site.account("star")
    names = [f"fan{number}" for number in range(5)]
    for name in names:
        remote_follow(site, remote_actor(site, name, "fans.example"), star, FollowState.ACCEPTED)
    visitor = site.visitor()
    first = visitor.account_followers(star, limit=2)
    everybody = visitor.fetch_remaining(first)
    assert [account.username for account in everybody] == names[::-1]
    second = visitor.fetch_next(first)
    assert [account.username for account in visitor.fetch_previous(second) or ()] == names[:2:-1]


def test_moved_account_shows_where_it_went(site: RunningGateway) -> None:
    """An account that moved carries the one that it moved to."""
    old = remote_actor(site, "before", "moves.example")
    new = remote_actor(site, "after", "moves.example")
    site.db(lambda conn: moves.put(conn, old, new))
    assert site.visitor().account(old).moved.acct == "after@moves.example"
    assert site.visitor().account(new).moved is None


def test_hidden_lists_are_empty_for_all_but_their_owner(site: RunningGateway) -> None:
    """Who hides followers and followed sees them, others see nobody, and no other server is told of it."""
    site.account("shy")
    shy, ada = site.client("shy"), site.client("ada")
    me, her = shy.me().id, ada.me().id
    shy.account_follow(her)
    ada.account_follow(me)
    answer = _patch(site, "shy", hide_collections="true")
    assert answer["hide_collections"] is answer["source"]["hide_collections"] is True
    assert ada.account(me)["hide_collections"] is True
    for reader in (ada, site.visitor()):
        assert reader.account_followers(me) == []
        assert reader.account_following(me) == []
    assert [account.acct for account in shy.account_followers(me)] == ["ada"]
    assert [account.acct for account in shy.account_following(me)] == ["ada"]
    assert ada.account(me).followers_count == 1
    with site.outbox() as sent:
        assert _patch(site, "shy", hide_collections="false")["hide_collections"] is False
    assert sent == []
    assert [account.acct for account in ada.account_followers(me)] == ["ada"]


def test_hidden_followers_are_not_found_by_those_whom_one_follows(site: RunningGateway) -> None:
    """Familiar followers of somebody who hides followers are nobody."""
    site.account("discreet")
    discreet, ada, grace = site.client("discreet"), site.client("ada"), site.client("grace")
    me = discreet.me().id
    grace.account_follow(me)
    ada.account_follow(grace.me().id)
    found = []
    for hidden in ("false", "true"):
        _patch(site, "discreet", hide_collections=hidden)
        answer = requests.get(
            f"{site.origin}/api/v1/accounts/familiar_followers",
            params={"id[]": me},
            headers=site.headers("ada"),
            timeout=20,
        )
        found.append([account["acct"] for account in answer.json()[0]["accounts"]])
    assert found == [["grace"], []]


def _patch(site: RunningGateway, name: str, **changes: str) -> Any:
    answer = requests.patch(
        f"{site.origin}/api/v1/accounts/update_credentials",
        data=changes,
        headers=site.headers(name),
        timeout=20,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()
