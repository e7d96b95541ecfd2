"""Posts that are shown again as they were rendered before: nobody can tell."""

from collections.abc import Sequence
from typing import Any

from msgspec import json

from services.platform_gateway.rendering.kept import Kept
from services.platform_gateway.rendering.statuses import load_statuses
from tests.integration.gateway.remote_rows import remote_actor, remote_post
from tests.integration.gateway.running import RunningGateway
from tests.integration.gateway.test_with_builder import built, fresh


def shown(site: RunningGateway, kept: Kept, ids: Sequence[int], viewer: int | None) -> bytes:
    """Return posts as the keeper shows them, having made sure that they are what rendering anew gives."""
    uris = site.gateway.site.uris
    again = site.db(lambda conn: kept.load(conn, ids, viewer, uris))
    anew = site.db(lambda conn: load_statuses(conn, ids, viewer, uris))
    assert json.decode(json.encode(again)) == json.decode(json.encode(anew))
    return json.encode(again)


def test_whatever_changes_is_seen_at_once(site: RunningGateway) -> None:
    """After edits, likes, boosts, pins, votes, new names and deletions each viewer sees what is so now."""
    fresh(site, "kept_author", "kept_reader")
    author, reader = site.client("kept_author"), site.client("kept_reader")
    me, other = int(author.me().id), int(reader.me().id)
    remote = remote_post(site, remote_actor(site, "kept", "remote.example"), "from afar")
    with built(site):
        plain = author.status_post("plain @kept_reader #tag")
        poll = author.status_post("which?", poll=author.make_poll(["a", "b"], 3600))
        boost = reader.status_reblog(remote)
    ids = [int(plain.id), int(poll.id), int(boost.id), remote]
    kept = Kept()
    before: set[bytes] = set()

    def look() -> None:
        now = b"".join(shown(site, kept, ids, viewer) for viewer in (None, me, other, me))
        assert now not in before
        before.add(now)

    look()
    changes: tuple[tuple[Any, str, tuple[object, ...]], ...] = (
        (reader, "status_favourite", (plain.id,)),
        (reader, "status_bookmark", (plain.id,)),
        (author, "status_pin", (plain.id,)),
        (author, "status_update", (plain.id, "plainer #other")),
        (reader, "poll_vote", (poll.poll.id, [1])),
        (author, "account_update_credentials", ("Renamed",)),
        (author, "status_reblog", (remote,)),
        (author, "status_delete", (plain.id,)),
    )
    for client, change, arguments in changes:
        with built(site):
            getattr(client, change)(*arguments)
        look()


def test_a_bounded_number_is_kept(site: RunningGateway) -> None:
    """More posts than are kept are all shown, and only the latest of them stay."""
    fresh(site, "bounded_reader")
    reader = int(site.client("bounded_reader").me().id)
    actors = [remote_actor(site, f"bounded{number}", "remote.example") for number in range(6)]
    ids = [remote_post(site, actor, "one of many") for actor in actors]
    kept = Kept(most=3)
    for _ in range(2):
        shown(site, kept, ids, None)
        assert kept.sizes == (3, 3, 0)
    for _ in range(2):
        shown(site, kept, ids, reader)
        assert kept.sizes == (3, 3, 3)


def test_what_one_reader_did_is_shown_to_nobody_else(site: RunningGateway) -> None:
    """Of two readers of the same posts and boosts each sees their own marks, whoever read first."""
    fresh(site, "marking_one", "marking_other")
    one, other = site.client("marking_one"), site.client("marking_other")
    readers = [int(client.me().id) for client in (one, other)]
    post = remote_post(site, remote_actor(site, "marked", "remote.example"), "liked by some")
    with built(site):
        boost = one.status_reblog(post)
    ids = [post, int(boost.id)]
    kept = Kept()
    for client, change in (
        (other, "status_favourite"),
        (one, "status_bookmark"),
        (other, "status_unfavourite"),
    ):
        for reader in [*readers, *readers]:
            shown(site, kept, ids, reader)
        with built(site):
            getattr(client, change)(post)
    for reader in [*readers, *readers]:
        shown(site, kept, ids, reader)
