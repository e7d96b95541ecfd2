"""Golden visibility: what each reader gets of each post, at each address where a post can be read.

One table is the rule. `full` is the post, `none` an answer without a word of it.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus

import pytest
from msgspec.structs import replace

from shared.actions import accounts
from shared.actions.posts import Draft
from shared.actions.scopes import ALL
from shared.database import domain_blocks
from shared.database.authors import Author
from shared.database.domain_blocks import DomainBlock
from shared.protocol.identifiers import host_of, uri_hash
from shared.protocol.objects import Visibility
from tests.fakes.remote_actor import RemoteActor
from tests.fakes.remote_server import RemoteServer
from tests.integration.federation.site import Answer, GatewaySite

ACTIVITY, HTML = "application/activity+json", "text/html"

_EVERYBODY = {"unsigned", "follower", "named", "stranger", "blocked"}
GOLDEN: dict[Visibility, dict[str, set[str]]] = {
    Visibility.PUBLIC: {
        "object": _EVERYBODY,
        "activity": _EVERYBODY,
        "outbox": _EVERYBODY,
        "replies": _EVERYBODY,
        "context": _EVERYBODY,
        "page": {"unsigned"},
        "profile": {"unsigned"},
        "api": {"unsigned", "own", "other"},
        "public timeline": {"unsigned"},
    },
    Visibility.UNLISTED: {
        "object": _EVERYBODY,
        "activity": _EVERYBODY,
        "outbox": _EVERYBODY,
        "replies": _EVERYBODY,
        "context": _EVERYBODY,
        "page": {"unsigned"},
        "profile": {"unsigned"},
        "api": {"unsigned", "own", "other"},
        "public timeline": set(),
    },
    Visibility.FOLLOWERS: {
        "object": {"follower", "named"},
        "activity": {"follower", "named"},
        "api": {"own"},
    },
    Visibility.DIRECT: {
        "object": {"named"},
        "activity": {"named"},
        "api": {"own"},
    },
}
"""Who gets a post at which address; who and what is not named here gets nothing of it."""

_FETCHERS = ("unsigned", "follower", "named", "stranger", "blocked", "suspended")
_DOCUMENTS = ("object", "activity", "outbox", "replies", "context")
_READERS = {
    **dict.fromkeys(_DOCUMENTS, _FETCHERS),
    "page": ("unsigned",),
    "profile": ("unsigned",),
    "api": ("unsigned", "own", "other"),
    "public timeline": ("unsigned",),
}


@dataclass
class Scene:
    """A post and an answer of each visibility, and everybody who may want to read them."""

    site: GatewaySite
    posts: dict[Visibility, int]
    answers: dict[Visibility, int]
    author: Author
    parents: dict[Visibility, int]
    actors: dict[str, RemoteActor]
    tokens: dict[str, str]

    async def read(self, reader: str, visibility: Visibility, where: str) -> Answer:
        """Return what a reader gets at an address."""
        url = self.url(visibility, where)
        if where in {"api", "public timeline"}:
            token = {"Authorization": f"Bearer {self.tokens[reader]}"} if reader in self.tokens else {}
            return await self.site.get(url, **token)
        if where in {"page", "profile"}:
            return await self.site.get(url, accept=HTML)
        signed = {} if reader == "unsigned" else self.actors[reader].signed("GET", url, None)
        return await self.site.get(url, accept=ACTIVITY, **signed)

    def url(self, visibility: Visibility, where: str) -> str:
        """Return the address of a post, or of a list that would hold it."""
        uris, post, parent = self.site.gateway.site.uris, self.posts[visibility], self.parents[visibility]
        return {
            "object": uris.status(post),
            "activity": uris.create(post),
            "outbox": f"{uris.outbox(self.author.id)}?page=true",
            "replies": f"{uris.replies(parent)}?page=true",
            "context": f"{uris.context(parent)}?page=true",
            "page": uris.post_page(self.author.username, post),
            "profile": uris.profile_page(self.author.username),
            "api": f"{uris.origin}/api/v1/statuses/{post}",
            "public timeline": f"{uris.origin}/api/v1/timelines/public",
        }[where]

    def gives_away(self, answer: Answer, visibility: Visibility, where: str) -> bool:
        """Tell whether an answer has the post, by its words or its address."""
        listed = self.answers if where in {"replies", "context"} else self.posts
        found = str(listed[visibility]) in answer.text or f"words-{visibility.name}" in answer.text
        return answer.status == HTTPStatus.OK and found


@pytest.fixture
async def scene(site: GatewaySite) -> AsyncIterator[Scene]:
    """Yield the posts and their readers."""
    async with RemoteServer() as fediverse:
        ada, grace = await site.account("ada"), await site.account("grace")
        birch, fir = fediverse.host("birch"), fediverse.host("fir")
        actors = {name: birch.actor(name) for name in ("follower", "named", "stranger", "blocked")}
        actors["suspended"] = fir.actor("suspended")
        posts: dict[Visibility, int] = {}
        answers: dict[Visibility, int] = {}
        parents: dict[Visibility, int] = {}
        for visibility in Visibility:
            parents[visibility] = await site.post(grace, Draft(text="parent"))
            draft = Draft(text=f"words-{visibility.name}", visibility=visibility)
            posts[visibility] = await site.post(ada, draft)
            answer = replace(draft, in_reply_to_id=parents[visibility])
            answers[visibility] = await site.post(ada, answer)
        for name in ("follower", "blocked", "suspended", "named"):
            await _relate(site, name, actors[name], ada, posts)
        async with site.gateway.pool.acquire() as conn:
            tokens = {
                who: await accounts.create_token(conn, account.id, ALL)
                for who, account in (("own", ada), ("other", grace))
            }
            block = DomainBlock(domain=host_of(fir.origin), severity="suspend")
            await domain_blocks.put(conn, [block])
        yield Scene(site, posts, answers, ada, parents, actors, tokens)


async def _relate(
    site: GatewaySite, name: str, actor: RemoteActor, author: Author, posts: dict[Visibility, int]
) -> None:
    """Have an actor follow, be named by, or be blocked by the author; who is suspended followed before."""
    known = await site.gateway.resolver.actor(actor.id)
    uri = f"{actor.id}#relation"
    if name == "named":
        for post in posts.values():
            await site.execute(
                "INSERT INTO mentions (status_id, actor_uri, actor_id) VALUES ($1, $2, $3)",
                post,
                actor.id,
                known.id,
            )
        return
    await site.execute(
        "INSERT INTO follows (follower_id, followee_id, state, uri, uri_hash, id) VALUES ($1,$2,1,$3,$4,$5)",
        known.id,
        author.id,
        uri,
        uri_hash(uri),
        site.gateway.site.ids.next(),
    )
    if name == "blocked":
        await site.execute(
            "INSERT INTO blocks (actor_id, target_id, uri, uri_hash, id) VALUES ($1, $2, $3, $4, $5)",
            author.id,
            known.id,
            f"{uri}-block",
            uri_hash(f"{uri}-block"),
            site.gateway.site.ids.next(),
        )


async def test_every_reader_gets_what_the_table_says(scene: Scene) -> None:
    """Each post, at each address, to each reader: exactly those of the table get it."""
    wrong = []
    for visibility in Visibility:
        for where, readers in _READERS.items():
            for reader in readers:
                answer = await scene.read(reader, visibility, where)
                expected = reader in GOLDEN[visibility].get(where, set())
                if scene.gives_away(answer, visibility, where) is not expected:
                    wrong.append((visibility.name, where, reader, answer.status, expected))
    assert wrong == []
