"""Timelines through the client API."""

from datetime import UTC, datetime, timedelta

import pytest
import requests

from shared.database import timelines
from tests.integration.gateway.remote_rows import remote_actor, remote_post
from tests.integration.gateway.running import RunningGateway


def fan_out(site: RunningGateway, *status_ids: str) -> None:
    """Do what the timeline builder does with new posts."""
    site.db(lambda conn: timelines.fan_out(conn, [int(one) for one in status_ids]))


def test_the_home_timeline_page_by_page(site: RunningGateway) -> None:
    """The whole home timeline is reached in both directions, newest first, no post twice or left out."""
    site.account("pager")
    pager = site.client("pager")
    posted = [pager.status_post(f"post {number}").id for number in range(7)]
    first = pager.timeline_home(limit=3)
    assert [status.id for status in first] == posted[:3:-1]
    assert [status.id for status in pager.fetch_remaining(first)] == posted[::-1]
    second = pager.fetch_next(first)
    assert [status.id for status in pager.fetch_previous(second) or ()] == posted[:3:-1]
    newer = pager.timeline_home(min_id=posted[1], limit=2)
    assert [status.id for status in newer] == [posted[3], posted[2]]
    since = pager.timeline_home(since_id=posted[1], limit=2)
    assert [status.id for status in since] == [posted[6], posted[5]]
    assert pager.timeline_home(max_id=posted[0]) == []


def test_dates_serve_as_ids(site: RunningGateway) -> None:
    """Clients that make ids out of dates, as Mastodon.py does, cut the timeline at that date."""
    site.account("dated")
    dated = site.client("dated")
    post = dated.status_post("today")
    day = timedelta(days=1)
    assert dated.timeline_home(max_id=datetime.now(UTC) - day) == []
    assert [status.id for status in dated.timeline_home(max_id=datetime.now(UTC) + day)] == [post.id]
    assert [status.id for status in dated.timeline_home(min_id=datetime.now(UTC) - day)] == [post.id]


def test_links_keep_the_parameters(site: RunningGateway) -> None:
    """The Link header leads on with the limit and the filters of the request, on the site's own address."""
    site.account("linker")
    linker = site.client("linker")
    for number in range(3):
        linker.status_post(f"linked {number}")
    path = f"/api/v1/accounts/{linker.me().id}/statuses"
    answer = requests.get(
        f"{site.origin}{path}",
        params={"limit": "2", "exclude_replies": "true", "max_id": "9" * 19},
        timeout=20,
    )
    following = answer.links["next"]["url"]
    assert following.startswith(f"{site.origin}{path}?")
    assert "exclude_replies=true" in following
    assert "limit=2" in following
    assert following.count("max_id=") == 1
    assert len(requests.get(following, timeout=20).json()) == 1


def test_limits_are_bounded(site: RunningGateway) -> None:
    """However many are asked for, a page holds at most 40 posts; nonsense means the default."""
    site.account("prolific")
    writer = site.author("prolific").id
    prolific = site.client("prolific")
    site.execute(
        "INSERT INTO statuses (id, uri, uri_hash, local, actor_id, conversation_id, visibility, created_at)"
        " SELECT n, 'x' || n, decode(lpad(to_hex(n), 32, '0'), 'hex'), true, $1, n, 0, now()"
        "   FROM generate_series(1000, 1060) n",
        writer,
    )
    assert len(prolific.account_statuses(writer, limit=1000)) == 40
    assert len(prolific.account_statuses(writer, limit=0)) == 20
    assert len(prolific.account_statuses(writer, limit=-5)) == 20


def test_public_timelines_separate_here_and_elsewhere(site: RunningGateway) -> None:
    """`local` shows this site's posts, `remote` those of others, neither both; answers are in none."""
    here = site.client("ada").status_post("here")
    answer = site.client("ada").status_post("answer", in_reply_to_id=here.id)
    elsewhere = str(remote_post(site, remote_actor(site, "ed", "remote.example"), "elsewhere"))
    visitor = site.visitor()

    def seen(**filters: bool) -> set[str]:
        return {status.id for status in visitor.timeline("public", **filters)} & {
            here.id,
            answer.id,
            elsewhere,
        }

    assert seen() == {here.id, elsewhere}
    assert seen(local=True) == {here.id}
    assert seen(remote=True) == {elsewhere}


def test_moderated_servers_are_not_in_public_timelines(site: RunningGateway) -> None:
    """Posts of a silenced server and its subdomains appear in no public or hashtag timeline."""
    ids = {
        host: str(remote_post(site, remote_actor(site, "loud", host), "loud"))
        for host in ("silenced.example", "sub.silenced.example", "notsilenced.example")
    }
    site.execute("INSERT INTO domain_blocks (domain, severity) VALUES ('silenced.example', 'silence')")
    shown = {status.id for status in site.visitor().timeline_public(limit=40)}
    assert shown & set(ids.values()) == {ids["notsilenced.example"]}


def test_hashtag_timelines(site: RunningGateway) -> None:
    """Hashtags are found in any case and width, and can be combined."""
    ada = site.client("ada")
    both = ada.status_post("#Warp and #weft").id
    one = ada.status_post("#warp alone").id
    hidden = ada.status_post("#warp for few", visibility="private").id
    visitor = site.visitor()
    assert [status.id for status in visitor.timeline_hashtag("WARP")] == [one, both]
    assert [status.id for status in visitor.timeline_hashtag("\uff37arp")] == [one, both]
    url = f"{site.origin}/api/v1/timelines/tag/warp"

    def seen(**more: list[str]) -> list[str]:
        return [status["id"] for status in requests.get(url, params=more, timeout=20).json()]

    assert seen(**{"all[]": ["weft"]}) == [both]
    assert seen(**{"none[]": ["weft"]}) == [one]
    assert hidden not in seen()


def test_boosts_come_with_what_they_share(site: RunningGateway) -> None:
    """A boost in a home timeline carries the whole post and its author."""
    site.account("sharer")
    site.account("follower")
    sharer, follower = site.client("sharer"), site.client("follower")
    follower.account_follow(sharer.me().id)
    post = remote_post(site, remote_actor(site, "eve", "remote.example"), "worth sharing")
    boost = sharer.status_reblog(post)
    fan_out(site, boost.id)
    top = follower.timeline_home()[0]
    assert (top.id, top.account.acct) == (boost.id, "sharer")
    assert (top.reblog.id, top.reblog.account.acct) == (str(post), "eve@remote.example")
    assert top.content == top.reblog.content == "<p>worth sharing</p>"


def test_what_is_deleted_leaves_every_timeline(site: RunningGateway) -> None:
    """A deleted post disappears from the timelines of others at once, and boosts of it as well."""
    site.account("watcher")
    watcher, ada, grace = site.client("watcher"), site.client("ada"), site.client("grace")
    watcher.account_follow(ada.me().id)
    watcher.account_follow(grace.me().id)
    post = ada.status_post("for a moment")
    boost = grace.status_reblog(post.id)
    fan_out(site, post.id, boost.id)
    assert {post.id, boost.id} <= {status.id for status in watcher.timeline_home()}
    ada.status_delete(post.id)
    assert not {post.id, boost.id} & {status.id for status in watcher.timeline_home()}


def test_account_statuses_can_be_filtered(site: RunningGateway) -> None:
    """An account's posts can be had without answers, without boosts, under a tag; nothing is pinned."""
    site.account("various")
    various = site.client("various")
    me = various.me().id
    plain = various.status_post("plain #here").id
    answer = various.status_post("@ada to another", in_reply_to_id=site.client("ada").status_post("q").id).id
    own = various.status_post("to myself", in_reply_to_id=plain).id
    boost = various.status_reblog(site.client("grace").status_post("shared").id).id

    def seen(**filters: object) -> set[str]:
        return {status.id for status in various.account_statuses(me, **filters)}

    assert seen() == {plain, answer, own, boost}
    assert seen(exclude_replies=True) == {plain, own, boost}
    assert seen(exclude_reblogs=True) == {plain, answer, own}
    assert seen(tagged="HERE") == {plain}
    assert seen(only_media=True) == set()
    assert seen(pinned=True) == set()


@pytest.mark.parametrize("path", ["timelines/home", "timelines/public", "notifications"])
def test_a_longer_list_costs_no_more_queries(site: RunningGateway, path: str) -> None:
    """Thirty posts by thirty authors cost as many queries as two."""
    name = f"counted_{path.replace('/', '_')}"
    me = site.account(name)
    for number in range(30):
        actor = remote_actor(site, f"q{number}", "many.example")
        post = remote_post(site, actor, f"<a>@{number}</a>")
        site.execute("INSERT INTO home_timeline VALUES ($1, $2, $3)", me, post, actor)
        site.execute(
            "INSERT INTO notifications (id, account_id, kind, actor_id, status_id)"
            " VALUES ($1, $2, 'mention', $3, $4)",
            site.gateway.site.ids.next(),
            me,
            actor,
            post,
        )
    token = site.headers(name)

    def ask(limit: int) -> int:
        with site.counting_queries() as queries:
            found = requests.get(
                f"{site.origin}/api/v1/{path}?limit={limit}", headers=token, timeout=20
            ).json()
        assert len(found) == limit
        return len(queries)

    ask(1)  # the first request also notes that the account is in use
    fresh = ask(30)
    assert fresh <= 7
    assert ask(30) == ask(2) <= fresh  # what was rendered before is not loaded again


def test_a_timeline_that_was_not_kept_is_filled_on_the_first_look(site: RunningGateway) -> None:
    """Who comes back after a long time finds the posts of those they follow at once."""
    site.account("returning")
    site.account("loyal")
    returning, loyal = site.client("returning"), site.client("loyal")
    returning.account_follow(loyal.me().id)
    post = loyal.status_post("while you were away")
    site.execute("UPDATE accounts SET home_state = 0 WHERE actor_id = $1", int(returning.me().id))
    assert [one.id for one in returning.timeline_home()] == [post.id]
