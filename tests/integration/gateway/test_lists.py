"""Lists, with Mastodon.py: made, filled, read apart, and what they take out of the home timeline."""

from typing import Any

import pytest
from mastodon import MastodonAPIError, MastodonNetworkError, MastodonNotFoundError

from services.platform_gateway.streaming.hub import HUB
from tests.infrastructure import eventually
from tests.integration.gateway.running import RunningGateway
from tests.integration.gateway.test_streaming import Listener, applied
from tests.integration.gateway.test_with_builder import fresh


def follows(site: RunningGateway, reader: str, *names: str) -> dict[str, Any]:
    """Have somebody follow others, made for this; return the clients of all by name."""
    fresh(site, reader, *names)
    clients = {name: site.client(name) for name in (reader, *names)}
    for name in names:
        applied(site, lambda name=name: clients[reader].account_follow(clients[name].me().id))
    return clients


def home(client: Any) -> list[str]:
    """Return the ids in a home timeline."""
    return [one.id for one in client.timeline_home()]


def test_a_list_from_its_making_to_its_end(site: RunningGateway) -> None:
    """A list is made, shown, changed, filled with people who are followed, and deleted."""
    people = follows(site, "keeper", "kept", "other_kept")
    keeper, kept = people["keeper"], people["kept"].me().id
    made = keeper.list_create("Weavers", replies_policy="none", exclusive=False)
    assert (made.title, made.replies_policy, made.exclusive) == ("Weavers", "none", False)
    changed = keeper.list_update(made.id, "Spinners", replies_policy="followed", exclusive=True)
    assert (changed.title, changed.replies_policy, changed.exclusive) == ("Spinners", "followed", True)
    keeper.list_accounts_add(made.id, [kept, people["other_kept"].me().id])
    assert {one.acct for one in keeper.list_accounts(made.id, limit=0)} == {"kept", "other_kept"}
    assert [one.id for one in keeper.account_lists(kept)] == [made.id]
    keeper.list_accounts_delete(made.id, kept)
    assert [one.acct for one in keeper.list_accounts(made.id)] == ["other_kept"]
    assert [one.id for one in keeper.lists()] == [made.id]
    keeper.list_delete(made.id)
    assert keeper.lists() == []
    with pytest.raises(MastodonNotFoundError):
        keeper.timeline_list(made.id)


def test_what_a_list_refuses(site: RunningGateway) -> None:
    """Strangers are not found, members not added twice, nameless lists not made, others' lists not shown."""
    people = follows(site, "refused", "member")
    refused, member = people["refused"], people["member"]
    made = refused.list_create("Some")
    with pytest.raises(MastodonNotFoundError):
        refused.list_accounts_add(made.id, site.client("ada").me().id)
    refused.list_accounts_add(made.id, member.me().id)
    with pytest.raises(MastodonAPIError, match="422"):
        refused.list_accounts_add(made.id, member.me().id)
    for title in (" ", "x" * 257):
        with pytest.raises(MastodonAPIError, match="422"):
            refused.list_create(title)
    for read in ("timeline_list", "list", "list_delete"):
        with pytest.raises(MastodonNotFoundError):
            getattr(member, read)(made.id)


def test_whose_posts_a_list_shows(site: RunningGateway) -> None:
    """A list shows members' posts, boosts and answers as its policy says, newest first, page by page."""
    people = follows(site, "lister", "first", "second", "outside")
    lister, first, second, outside = (people[name] for name in ("lister", "first", "second", "outside"))
    made = lister.list_create("Two", replies_policy="list")
    lister.list_accounts_add(made.id, [first.me().id, second.me().id])
    beside = applied(site, lambda: outside.status_post("not of the list"))
    posts = [applied(site, lambda one=one: one.status_post("of the list")).id for one in (first, second)]
    within = applied(site, lambda: first.status_post("@second yes", in_reply_to_id=posts[1])).id
    without = applied(site, lambda: first.status_post("@outside no", in_reply_to_id=beside.id)).id
    boost = applied(site, lambda: second.status_reblog(beside.id)).id

    def shown(policy: str) -> list[str]:
        lister.list_update(made.id, "Two", replies_policy=policy)
        page = lister.timeline_list(made.id, limit=2)
        return [one.id for one in lister.fetch_remaining(page)]

    assert shown("none") == [boost, *posts[::-1]]
    assert shown("list") == [boost, within, *posts[::-1]]
    assert shown("followed") == [boost, without, within, *posts[::-1]]


def test_an_exclusive_list_empties_the_home_timeline_of_its_members(site: RunningGateway) -> None:
    """Members of an exclusive list are read in it alone, until they leave it, or it is deleted."""
    people = follows(site, "tidy", "noisy", "quiet")
    tidy, noisy = people["tidy"], people["noisy"]
    post = applied(site, lambda: noisy.status_post("first")).id
    calm = applied(site, lambda: people["quiet"].status_post("calm")).id
    made = tidy.list_create("Apart", exclusive=True)
    tidy.list_accounts_add(made.id, noisy.me().id)
    assert home(tidy) == [calm]
    later = applied(site, lambda: noisy.status_post("second")).id
    assert home(tidy) == [calm]
    assert [one.id for one in tidy.timeline_list(made.id)] == [later, post]
    tidy.list_accounts_delete(made.id, noisy.me().id)
    assert home(tidy) == [later, calm, post]
    tidy.list_accounts_add(made.id, noisy.me().id)
    tidy.list_delete(made.id)
    assert home(tidy) == [later, calm, post]


def test_who_is_followed_no_longer_leaves_the_lists(site: RunningGateway) -> None:
    """Unfollowing and blocking, by either side, take the other out of one's lists."""
    people = follows(site, "leaver", "unfollowed", "blocked", "blocking")
    leaver = people["leaver"]
    made = leaver.list_create("All")
    ids = {name: people[name].me().id for name in ("unfollowed", "blocked", "blocking")}
    leaver.list_accounts_add(made.id, list(ids.values()))
    applied(site, lambda: leaver.account_unfollow(ids["unfollowed"]))
    assert {one.acct for one in leaver.list_accounts(made.id)} == {"blocked", "blocking"}
    applied(site, lambda: leaver.account_block(ids["blocked"]))
    applied(site, lambda: people["blocking"].account_block(leaver.me().id))
    assert leaver.list_accounts(made.id) == []


def test_a_list_is_streamed(site: RunningGateway) -> None:
    """Mastodon.py hears a member's post and its end on the stream of the list, and of nobody else."""
    people = follows(site, "tuned", "heard", "unheard")
    tuned = people["tuned"]
    made = tuned.list_create("Radio")
    tuned.list_accounts_add(made.id, people["heard"].me().id)
    listener, before = Listener(), site.app[HUB].clients
    handle = tuned.stream_list(made.id, listener, run_async=True)
    try:
        site.run(eventually(lambda: bool(site.app[HUB].clients - before), "the stream to open"))
        applied(site, lambda: people["unheard"].status_post("off the air"))
        post = applied(site, lambda: people["heard"].status_post("on the air"))
        kind, status = listener.next()
        assert (kind, status.id) == ("update", post.id)
        applied(site, lambda: people["heard"].status_delete(post.id))
        assert listener.next() == ("delete", post.id)
    finally:
        handle.close()
    with pytest.raises(MastodonNetworkError, match="Not Found"):
        people["heard"].stream_list(made.id, Listener())
