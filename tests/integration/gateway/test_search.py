"""Search, with and without asking other servers."""

import pytest
import requests
from mastodon import MastodonAPIError

from tests.integration.gateway.remote_rows import remote_actor, remote_post
from tests.integration.gateway.running import RunningGateway


def test_names_handles_and_hashtags_are_found_here(site: RunningGateway) -> None:
    """The beginning of a name or a hashtag and a whole handle are found without the network."""
    ada = site.client("ada")
    remote_actor(site, "wanda", "known.example")
    ada.status_post("about #Weaving")
    assert [account.acct for account in ada.search("wan", resolve=False).accounts] == ["wanda@known.example"]
    assert [account.acct for account in ada.search("@wanda@known.example").accounts] == [
        "wanda@known.example"
    ]
    assert [tag.name for tag in ada.search("#weav", result_type="hashtags").hashtags] == ["weaving"]
    assert ada.search_v1("weav").hashtags == ["weaving"]
    assert "grace" in [account.acct for account in ada.account_search("gra")]


def test_urls_lead_to_posts_and_accounts(site: RunningGateway) -> None:
    """The id of a post or an actor, and the addresses of our own pages, lead to what they stand for."""
    ada = site.client("ada")
    post = ada.status_post("findable")
    actor = remote_actor(site, "wes", "known.example")
    remote = remote_post(site, actor, "findable too")
    remote_uri = site.value("SELECT uri FROM statuses WHERE id = $1", remote)
    for url, found in ((post.uri, post.id), (post.url, post.id), (remote_uri, str(remote))):
        assert [status.id for status in ada.search(url).statuses] == [found]
    for url, acct in ((ada.me().url, "ada"), ("https://known.example/users/wes", "wes@known.example")):
        assert [account.acct for account in ada.search(url).accounts] == [acct]


def test_search_does_not_show_what_is_not_for_the_viewer(site: RunningGateway) -> None:
    """A post that the viewer may not see is not found by its address either."""
    post = site.client("grace").status_post("hidden", visibility="private")
    assert site.client("ada").search(post.uri).statuses == []
    assert [status.id for status in site.client("grace").search(post.uri).statuses] == [post.id]


def test_visitors_do_not_make_us_ask_others(site: RunningGateway) -> None:
    """Without signing in there is no resolving, so that nobody uses the site to reach others."""
    query = {"q": "https://elsewhere.example/x", "resolve": "true"}
    assert requests.get(f"{site.origin}/api/v2/search", params=query, timeout=20).status_code == 401
    assert site.visitor().search("ada", resolve=False).accounts


def test_what_cannot_be_resolved_is_not_found(site: RunningGateway) -> None:
    """A handle or URL whose server cannot be reached is an empty result, not an error."""
    ada = site.client("ada")
    for query in ("@nobody@nowhere.invalid", "https://nowhere.invalid/x", "http://169.254.169.254/latest"):
        found = ada.search(query, resolve=True)
        assert (found.accounts, found.statuses) == ([], [])
    with pytest.raises(MastodonAPIError):
        ada.search(" ")
