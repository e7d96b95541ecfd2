"""Threads whose beginning is not here."""

from collections.abc import Iterator
from typing import Any

import pytest

from services.platform_gateway import backfill
from tests.fakes.remote_actor import RemoteActor
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


def thread(author: RemoteActor, length: int) -> list[str]:
    """Have an actor write a thread; return the ids, the first post first."""
    ids: list[str] = []
    for number in range(length):
        answers: dict[str, Any] = {"inReplyTo": ids[-1]} if ids else {}
        ids.append(str(author.note(f"<p>number {number}</p>", **answers)["id"]))
    return ids


def look_up(site: RunningGateway, uri: str) -> Any:
    """Have a remote post fetched; return it as the client API shows it."""
    return site.client("ada").search(uri, resolve=True).statuses[0]


def above(site: RunningGateway, status: Any) -> list[str]:
    """Return what @ada sees above a post."""
    return [str(one.uri) for one in site.client("ada").status_context(status.id).ancestors]


def test_posts_above_are_fetched_for_somebody_signed_in(site: RunningGateway, remote: RemoteServer) -> None:
    """Who opens a thread sees how it began; a visitor causes no fetch."""
    nora = remote.host("birch").actor("nora")
    first, second, last = thread(nora, 3)
    status = look_up(site, last)
    asked = len(nora.host.fetched)
    assert site.visitor().status_context(status.id).ancestors == []
    assert len(nora.host.fetched) == asked
    assert above(site, status) == [first, second]
    asked = len(nora.host.fetched)
    assert above(site, status) == [first, second]
    assert len(nora.host.fetched) == asked
    assert site.client("ada").timeline_home() == []


def test_one_look_fetches_so_many_and_no_more(site: RunningGateway, remote: RemoteServer) -> None:
    """A long thread comes in portions."""
    ids = thread(remote.host("birch").actor("olga"), backfill.MOST + 3)
    status = look_up(site, ids[-1])
    assert above(site, status) == ids[2:-1]
    assert above(site, status) == ids[:-1]


def test_thread_without_a_beginning_ends(
    site: RunningGateway, remote: RemoteServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond a depth nothing is fetched, however often somebody looks."""
    monkeypatch.setattr(backfill, "DEEPEST", 3)
    ids = thread(remote.host("birch").actor("endless"), 7)
    status = look_up(site, ids[-1])
    for _ in range(3):
        assert above(site, status) == ids[3:-1]


def test_what_cannot_be_had_is_left_out(site: RunningGateway, remote: RemoteServer) -> None:
    """A thread whose beginning is gone, or is said to be somebody else's, is shown without it."""
    nora = remote.host("birch").actor("vera")
    gone, answer = thread(nora, 2)
    nora.host.withdraw(gone)
    assert above(site, look_up(site, answer)) == []
    mallory = remote.host("ash").actor("mallory")
    forged = str(mallory.note("<p>I said that</p>", attributedTo=nora.id)["id"])
    reply = str(nora.note("<p>Did I?</p>", inReplyTo=forged)["id"])
    assert above(site, look_up(site, reply)) == []
    assert site.value("SELECT count(*) FROM statuses WHERE uri = $1", forged) == 0
