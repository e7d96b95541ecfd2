"""Asking other servers: by search, and for those whom a post names."""

from collections.abc import Iterator

import pytest

from shared.actions import mentions
from shared.protocol.activities import Create
from tests.fakes.remote_server import RemoteServer
from tests.integration.gateway.running import RunningGateway


@pytest.fixture
def remote(site: RunningGateway) -> Iterator[RemoteServer]:
    """Yield a fake fediverse that knows the keys of this site."""
    server = RemoteServer()
    site.run(server.__aenter__())
    try:
        yield server
    finally:
        site.run(server.__aexit__(None, None, None))


def test_a_handle_is_found_on_its_own_server(site: RunningGateway, remote: RemoteServer) -> None:
    """An unknown handle is found with `resolve`, not without, and is known from then on."""
    nora = remote.host("birch").actor("nora")
    ada = site.client("ada")
    assert ada.search(nora.acct, resolve=False).accounts == []
    found = ada.search(f"@{nora.acct}", resolve=True).accounts
    assert [(account.acct, account.uri) for account in found] == [(nora.acct, nora.id)]
    assert ada.account_lookup(nora.acct).id == found[0].id
    assert ada.account_search(nora.acct)[0].id == found[0].id


def test_a_url_is_found_on_its_own_server(site: RunningGateway, remote: RemoteServer) -> None:
    """The URL of a post is fetched once, kept with author, mentions and hashtags, and in no timeline."""
    nora = remote.host("birch").actor("nora")
    me = site.author("ada")
    tags = [
        {"type": "Mention", "href": me.uri, "name": "@ada"},
        {"type": "Hashtag", "href": "https://x.example/tags/Yarn", "name": "#Yarn"},
    ]
    note = nora.note("<p>Look here</p>", tag=tags)
    ada = site.client("ada")
    uri = str(note["id"])
    found = ada.search(uri, resolve=True).statuses[0]
    assert (found.uri, found.content, found.account.acct) == (uri, "<p>Look here</p>", nora.acct)
    assert [mention.acct for mention in found.mentions] == ["ada"]
    assert [tag.name for tag in found.tags] == ["yarn"]
    nora.host.withdraw(uri)
    assert ada.search(uri, resolve=True).statuses[0].id == found.id
    assert found.id not in [status.id for status in ada.timeline_home()]
    assert ada.notifications() == []


def test_a_url_of_an_account_is_found(site: RunningGateway, remote: RemoteServer) -> None:
    """The URL of an actor leads to the account."""
    olga = remote.host("ash").actor("olga")
    found = site.client("ada").search(olga.id, resolve=True).accounts
    assert [account.acct for account in found] == [olga.acct]


def test_who_is_named_is_asked_for(site: RunningGateway, remote: RemoteServer) -> None:
    """Somebody unknown whom a post names is looked up, linked and addressed."""
    nora = remote.host("birch").actor("nora2")
    with site.outbox() as sent:
        post = site.client("ada").status_post(f"@{nora.acct} hello", visibility="direct")
    assert [mention.acct for mention in post.mentions] == [nora.acct]
    create = sent[0].item.activity
    assert isinstance(create, Create)
    assert create.to == (nora.id,)


def test_a_slow_server_does_not_hold_up_a_post(
    site: RunningGateway, remote: RemoteServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A post names whom it can in time; whose server does not answer stays text."""
    monkeypatch.setattr(mentions, "DEADLINE", 1.0)
    quick, slow = remote.host("quick").actor("nora3"), remote.host("slow").actor("olga3")
    slow.host.behave("/.well-known/webfinger", delay=30.0)
    post = site.client("ada").status_post(f"@{quick.acct} @{slow.acct}")
    assert [mention.acct for mention in post.mentions] == [quick.acct]
    assert f"@{slow.acct}" in post.content
