"""Honest servers with habits of their own are heard, all the way to what a client is shown."""

import json
from typing import Any

import pytest

from tests.fakes.remote_actor import PUBLIC, Json, RemoteActor
from tests.hostile.arena import Arena
from tests.hostile.test_authority import followed
from tests.hostile.test_content import status_of
from tests.infrastructure import eventually
from tests.payloads.captured import captured_requests

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="session")]


async def friend(arena: Arena, flavour: str = "mastodon") -> RemoteActor:
    """Return somebody whom ada follows."""
    nora = arena.somebody("friend", flavour)
    follow = await followed(arena, nora)
    assert await arena.hear(nora, nora.activity("Accept", follow)) == "applied"
    return nora


@pytest.mark.parametrize(
    ("flavour", "scheme"),
    [("threads", "rfc9421"), ("threads", "cavage"), ("gotosocial", "cavage"), ("misskey", "rfc9421")],
)
async def test_servers_that_hide_their_keys_are_heard(arena: Arena, flavour: str, scheme: str) -> None:
    """A key behind 404, at an address of its own or in a stripped actor is found, by either signature."""
    nora = arena.somebody("hidden", flavour)
    nora.host.schemes = frozenset({scheme})
    status = await status_of(arena, nora, arena.post_of(nora))
    assert status["account"]["display_name"] == nora.name.capitalize()
    assert status["account"]["acct"] == nora.acct


@pytest.mark.parametrize("name", ["quote", "_misskey_quote", "quoteUrl", "quoteUri"])
async def test_a_quote_is_shown_under_each_name_alone(arena: Arena, name: str) -> None:
    """Whichever of the names a server uses for what a post quotes, a client is shown the quoted post."""
    nora = arena.somebody("quoter")
    first = arena.post_of(nora, "<p>What I said</p>")
    await arena.hear(nora, first)
    note: Any = first["object"]
    status = await status_of(arena, nora, arena.post_of(nora, "<p>See</p>", **{name: note["id"]}))
    assert status["quote"]["state"] == "accepted"
    assert status["quote"]["quoted_status"]["content"] == "<p>What I said</p>"


@pytest.mark.parametrize(
    ("to", "cc", "shown"),
    [
        (["as:Public"], [], "public"),
        ("Public", None, "public"),
        ([], ["as:Public"], "unlisted"),
        (["{followers}"], "Public", "unlisted"),
        ("{followers}", [], "private"),
        ([], ["{ada}"], "direct"),
    ],
)
async def test_each_spelling_of_an_audience_is_understood(arena: Arena, to: Any, cc: Any, shown: str) -> None:
    """`as:Public`, `Public`, lists and bare values lead to the same four kinds of posts."""
    nora = await friend(arena)

    def spelt(value: Any) -> Any:
        text = json.dumps(value).replace("{followers}", nora.followers).replace("{ada}", arena.ada_uri)
        return json.loads(text)

    assert (await status_of(arena, nora, arena.post_of(nora, to=spelt(to), cc=spelt(cc))))[
        "visibility"
    ] == shown


async def test_a_post_in_the_shape_of_threads_is_shown_whole(arena: Arena) -> None:
    """Links of which one is the app's own, a date with +0000 and an alt text as `summary` are read."""
    nora = arena.somebody("grace", "threads")
    page = f"{nora.host.origin}/@grace/post/1"
    picture = {
        "type": "Image",
        "mediaType": "image/png",
        "url": "https://media.example/1.png",
        "summary": "A loom",
    }
    create = arena.post_of(
        nora,
        url=[
            {"type": "Link", "href": "threads://post/1", "mediaType": "text/html"},
            {"type": "Link", "href": page, "mediaType": "text/html"},
        ],
        published="2026-09-14T10:21:34+0000",
        attachment=[picture],
    )
    status = await status_of(arena, nora, create)
    assert (status["url"], status["created_at"]) == (page, "2026-09-14T10:21:34.000Z")
    assert [one["description"] for one in status["media_attachments"]] == ["A loom"]


async def test_a_share_taken_back_is_gone(arena: Arena) -> None:
    """An Undo of an Announce, sent to the sharer's followers alone as Takahē does, takes the share away."""
    nora = await friend(arena, "takahe")
    post = await arena.api("POST", "/api/v1/statuses", status=f"Share me {arena.unique()}")
    announce = nora.activity("Announce", post["uri"], to=["as:Public"], cc=[nora.followers])
    assert await arena.hear(nora, announce) == "applied"
    assert (await arena.api("GET", f"/api/v1/statuses/{post['id']}"))["reblogs_count"] == 1
    undo = nora.activity("Undo", announce, to=[nora.followers])
    assert await arena.hear(nora, undo) == "applied"
    assert (await arena.api("GET", f"/api/v1/statuses/{post['id']}"))["reblogs_count"] == 0
    assert not await arena.has_post(announce["id"])


async def test_a_profile_changes_twice_under_one_id(arena: Arena) -> None:
    """Takahē sends every change of a profile as `…#update`: each has its effect, and a copy has none."""
    nora = await friend(arena, "takahe")
    for number, name in enumerate(["Nora", "Nora the Second", "Nora"], 1):
        update = nora.activity("Update", nora.document() | {"name": name, "summary": f"<p>{number}</p>"})
        shot = arena.shot(nora, update | {"id": f"{nora.id}#update"})
        for _ in range(2):
            assert (await arena.fire(shot)).status == 202

        async def shown(name: str = name) -> bool:
            query = "SELECT display_name FROM actors WHERE uri = $1"
            return bool(await arena.pool.fetchval(query, nora.id) == name)

        await eventually(shown, f"the name {name}")
    await arena.settled()
    applied = (await arena.journey(f"{nora.id}#update")).applied
    assert [row.outcome for row in applied] == ["applied"] * 3


async def test_pins_come_and_go_without_an_id(arena: Arena) -> None:
    """Add and Remove as Takahē sends them, without an id, pin and unpin a post once each."""
    shape = json.loads(next(one for one in captured_requests() if one.name == "20-add-pin").request.body)
    assert "id" not in shape
    nora = await friend(arena, "takahe")
    featured = f"{nora.id.rstrip('/')}/collections/featured/"
    nora.host.serve(nora.document() | {"featured": featured}, at=nora.id)
    await arena.hear(nora, nora.activity("Update", nora.document() | {"featured": featured}))
    create = arena.post_of(nora)
    await arena.hear(nora, create)
    note: Any = create["object"]

    async def send(kind: str, pinned: int) -> None:
        change = shape | {"type": kind, "actor": nora.id, "object": note["id"], "target": featured}
        shot = arena.shot(nora, change)
        for _ in range(2):
            assert (await arena.fire(shot)).status == 202

        async def done() -> bool:
            query = "SELECT count(*) FROM pins p JOIN actors a ON a.id = p.actor_id WHERE a.uri = $1"
            return bool(await arena.pool.fetchval(query, nora.id) == pinned)

        await eventually(done, f"{kind} to count")

    await send("Add", 1)
    await send("Remove", 0)


def _announced(group: RemoteActor, several: list[object]) -> Json:
    return group.activity("Announce", several, to=[group.followers], cc=[PUBLIC])


async def test_several_activities_in_one_announce_count_one_by_one(arena: Arena) -> None:
    """Of a group's Announce of many things (FEP-1a11) each post is a share, and the rest does no harm."""
    group = await friend(arena)
    nora, mallory = arena.somebody(), arena.somebody("mallory")
    posts = own, bare, forged = [nora.note(f"<p>{word}</p>") for word in ("one", "two", "three")]
    several: list[object] = [
        nora.create(own),
        bare["id"],
        mallory.create(forged | {"content": "<p>owned</p>"}),
        nora.activity("Like", bare["id"]),
        mallory.activity("Delete", bare["id"]),
        nora.activity("Frobnicate", bare["id"]),
        f"{nora.host.origin}/notes/gone",
        17,
    ]
    announce = _announced(group, several)
    assert (await arena.fire(arena.shot(group, announce))).status == 202
    query = """
        SELECT b.content FROM statuses s JOIN statuses b ON b.id = s.reblog_of_id
          JOIN actors a ON a.id = s.actor_id
         WHERE a.uri = $1 AND s.deleted_at IS NULL AND b.deleted_at IS NULL ORDER BY b.content
    """
    shared: list[str] = []

    async def all_shared() -> bool:
        shared[:] = [row["content"] for row in await arena.pool.fetch(query, group.id)]
        return len(shared) >= len(posts)

    await eventually(all_shared, "the shares")
    assert shared == ["<p>one</p>", "<p>three</p>", "<p>two</p>"]
    likes = "SELECT count(*) FROM favourites f JOIN actors a ON a.id = f.actor_id WHERE a.uri = $1"
    assert await arena.pool.fetchval(likes, nora.id) == 0
