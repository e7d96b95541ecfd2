"""Threads whose end is not here."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from services.platform_gateway import backfill_below
from tests.fakes.remote_actor import AS2, RemoteActor
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


def serve(author: RemoteActor, post: dict[str, Any], name: str, *pages: Sequence[object]) -> None:
    """Serve a post with a collection of these pages under this name."""
    uri = f"{post['id']}/{name}"
    author.host.serve({"@context": AS2, **post, name: uri})
    author.host.serve({"@context": AS2, "id": uri, "type": "Collection", "first": f"{uri}/0"})
    for number, items in enumerate(pages):
        page = {"id": f"{uri}/{number}", "type": "CollectionPage", "partOf": uri, "items": list(items)}
        if number + 1 < len(pages):
            page["next"] = f"{uri}/{number + 1}"
        author.host.serve({"@context": AS2, **page})


def look_up(site: RunningGateway, uri: object) -> Any:
    """Have a remote post fetched; return it as the client API shows it."""
    return site.client("ada").search(str(uri), resolve=True).statuses[0]


def below(site: RunningGateway, status: Any) -> set[str]:
    """Return what @ada sees below a post."""
    return {str(one.uri) for one in site.client("ada").status_context(status.id).descendants}


def test_answers_are_fetched_level_by_level(site: RunningGateway, remote: RemoteServer) -> None:
    """Who opens a thread sees the answers that servers list, and the answers to those; a visitor does not."""
    nora, olga = remote.host("birch").actor("nora"), remote.host("ash").actor("olga")
    root = nora.note("<p>How?</p>")
    answer = olga.note("<p>So.</p>", inReplyTo=root["id"])
    second = nora.note("<p>Ah.</p>", inReplyTo=answer["id"])
    serve(nora, root, "replies", [], [answer["id"]])
    serve(olga, answer, "replies", [second["id"]])
    status = look_up(site, root["id"])
    asked = len(nora.host.fetched)
    assert not list(site.visitor().status_context(status.id).descendants)
    assert len(nora.host.fetched) == asked
    assert below(site, status) == {answer["id"], second["id"]}
    asked = len(nora.host.fetched)
    assert below(site, status) == {answer["id"], second["id"]}
    assert len(nora.host.fetched) == asked, "the thread was just looked through"


def test_context_collection_gives_the_whole_thread(site: RunningGateway, remote: RemoteServer) -> None:
    """Where the server has a collection of the thread, that is read, in whatever order it lists the posts."""
    nora = remote.host("birch").actor("tess")
    root = nora.note()
    answer = nora.note(inReplyTo=root["id"])
    deeper = nora.note(inReplyTo=answer["id"])
    serve(nora, root, "context", [deeper["id"], root["id"], answer["id"]])
    assert below(site, look_up(site, root["id"])) == {answer["id"], deeper["id"]}


def test_what_does_not_belong_is_not_kept(site: RunningGateway, remote: RemoteServer) -> None:
    """Posts that answer something else, or are not for everybody, or are listed elsewhere, stay away."""
    nora, mallory = remote.host("birch").actor("una"), remote.host("ash").actor("mal")
    root = nora.note()
    stray = mallory.note("<p>Buy this</p>")
    elsewhere = mallory.note("<p>Mine</p>", inReplyTo=stray["id"])
    private = nora.note("<p>Psst</p>", inReplyTo=root["id"], to=[nora.followers], cc=[])
    serve(nora, root, "replies", [stray["id"], elsewhere["id"], private["id"], "http://gone.example/1", 7])
    status = look_up(site, root["id"])
    assert below(site, status) == set()
    other = nora.note()
    answer = mallory.note("<p>Late</p>", inReplyTo=other["id"])
    foreign = mallory.note()
    serve(mallory, foreign, "replies", [answer["id"]])
    nora.host.serve({"@context": AS2, **other, "replies": f"{foreign['id']}/replies"})
    status = look_up(site, other["id"])
    asked = len(mallory.host.fetched)
    assert below(site, status) == set()
    assert len(mallory.host.fetched) == asked


def test_endless_collection_is_read_so_far_and_no_further(
    site: RunningGateway, remote: RemoteServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages, posts of one look and requests to a third host are bounded, whatever a collection claims."""
    monkeypatch.setattr(backfill_below, "MOST", 6)
    monkeypatch.setattr(backfill_below, "FROM_ONE_HOST", 2)
    nora, victim = remote.host("birch").actor("vera"), remote.host("ash").actor("victim")
    root = nora.note()
    aimed = [f"{victim.host.origin}/victims/{number}" for number in range(50)]
    answers = [nora.note(inReplyTo=root["id"])["id"] for _ in range(7)]
    serve(nora, root, "replies", aimed, answers, *[[] for _ in range(20)])
    status = look_up(site, root["id"])
    nora.host.fetched.clear()
    assert below(site, status) == set(answers[:4])
    assert len([path for path in victim.host.fetched if path.startswith("/victims/")]) <= 2 * 2
    assert len([path for path in nora.host.fetched if "/replies/" in path]) == backfill_below.PAGES
