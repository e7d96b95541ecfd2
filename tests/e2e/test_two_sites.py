"""Two whole sites federate: what a person does on one is seen by a person on the other."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from mastodon import Mastodon
from mastodon.errors import MastodonNotFoundError

from tests.infrastructure import Infrastructure, database, eventually, vhost
from tests.sites import Site, running

pytestmark = [pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="module")]


class Person:
    """An account on a site, used through the client library that people use."""

    def __init__(self, site: Site, name: str, token: str) -> None:
        self.site, self.name = site, name
        self.acct = f"{name}@{site.host}"
        self._client = Mastodon(api_base_url=site.address, access_token=token)

    async def __call__(self, method: str, *arguments: object, **options: object) -> Any:
        """Call a method of the client, off the loop."""
        return await asyncio.to_thread(getattr(self._client, method), *arguments, **options)

    async def find(self, other: "Person") -> Any:
        """Find somebody on another site, as a search box does."""
        found = await self("search_v2", other.acct, resolve=True, result_type="accounts")
        return found["accounts"][0]

    async def home(self, matches: Callable[[Any], bool]) -> Any | None:
        """Return the newest entry of the home timeline that matches."""
        return next((one for one in await self("timeline_home", limit=40) if matches(one)), None)

    async def sees(self, matches: Callable[[Any], bool], *, what: str) -> Any:
        """Wait until the home timeline has an entry that matches, and return it."""
        seen: list[Any] = []

        async def look() -> bool:
            seen[:] = [one for one in [await self.home(matches)] if one]
            return bool(seen)

        await eventually(look, f"{self.name} to see {what}")
        return seen[0]

    async def is_told(self, kind: str, who: "Person") -> Any:
        """Wait for a notification of this kind from somebody, and return it."""
        seen: list[Any] = []

        async def look() -> bool:
            for one in await self("notifications"):
                if one["type"] == kind and one["account"]["acct"] == who.acct:
                    seen[:] = [one]
            return bool(seen)

        await eventually(look, f"{self.name} to be told of a {kind} by {who.name}")
        return seen[0]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sites(
    infrastructure: Infrastructure, database_template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Site, Site]]:
    """Run two sites, each with a database and a virtual host of its own."""
    folder = tmp_path_factory.mktemp("sites")
    with contextlib.ExitStack() as stack:
        loom, mast = (
            Site(
                name=name,
                database_url=stack.enter_context(database(infrastructure.database_url, database_template)),
                broker_url=stack.enter_context(vhost(infrastructure)),
                folder=folder,
            )
            for name in ("loom", "mast")
        )
        async with running(loom), running(mast):
            yield loom, mast


@pytest_asyncio.fixture(loop_scope="module")
async def people(sites: tuple[Site, Site]) -> tuple[Person, Person]:
    """Return an ada on loom and a linus on mast, who follow each other and whom no other test knows."""
    loom, mast = sites
    mark = secrets.token_hex(3)
    ada, linus = await asyncio.gather(loom.account(f"ada_{mark}"), mast.account(f"linus_{mark}"))
    pair = (
        Person(loom, f"ada_{mark}", ada.access_token),
        Person(mast, f"linus_{mark}", linus.access_token),
    )
    await follow_each_other(*pair)
    return pair


async def follow_each_other(ada: Person, linus: Person) -> None:
    """Let both follow, and return when both are accepted."""
    for follower, followee in ((ada, linus), (linus, ada)):
        account = await follower.find(followee)
        await follower("account_follow", account["id"])

        async def accepted(follower: Person = follower, account: Any = account) -> bool:
            (relationship,) = await follower("account_relationships", account["id"])
            return bool(relationship["following"])

        await eventually(accepted, f"{follower.name} to follow {followee.name}")


async def test_the_story(people: tuple[Person, Person]) -> None:
    """A post arrives, reply, like and boost come back, and an edit and a deletion follow it."""
    ada, linus = people
    post = await ada(
        "status_post",
        f"Threads through a heddle, @{linus.acct} #weaving",
        spoiler_text="About looms",
        language="en",
        visibility="public",
    )
    seen = await linus.sees(lambda one: one["uri"] == post["uri"], what="the post")
    assert seen["spoiler_text"] == "About looms"
    assert seen["sensitive"]
    assert [tag["name"] for tag in seen["tags"]] == ["weaving"]
    assert [mention["acct"] for mention in seen["mentions"]] == [linus.name]
    await linus.is_told("mention", ada)

    reply = await linus("status_post", f"@{ada.acct} lovely", in_reply_to_id=seen["id"])
    await linus("status_favourite", seen["id"])
    await linus("status_reblog", seen["id"])
    told = await ada.is_told("mention", linus)
    assert told["status"]["uri"] == reply["uri"]
    assert told["status"]["in_reply_to_id"] == post["id"]
    await ada.is_told("favourite", linus)
    await ada.is_told("reblog", linus)
    mine = await ada("status", post["id"])
    assert (mine["favourites_count"], mine["reblogs_count"], mine["replies_count"]) == (1, 1, 1)
    context = await ada("status_context", post["id"])
    assert [one["uri"] for one in context["descendants"]] == [reply["uri"]]

    await ada("status_update", post["id"], "Threads through two heddles", spoiler_text="About looms")
    edited = await linus.sees(
        lambda one: one["uri"] == post["uri"] and "two heddles" in one["content"], what="the edit"
    )
    assert edited["edited_at"] is not None

    await ada("status_delete", post["id"])

    async def gone() -> bool:
        try:
            await linus("status", seen["id"])
        except MastodonNotFoundError:
            return True
        return False

    await eventually(gone, "the post to be gone on mast")
    assert await linus.home(lambda one: one["uri"] == post["uri"]) is None


async def test_only_those_addressed_see_a_post(people: tuple[Person, Person]) -> None:
    """A followers-only post reaches a follower with that visibility; a direct one only whom it names."""
    ada, linus = people
    private = await ada("status_post", "for followers", visibility="private")
    seen = await linus.sees(lambda one: one["uri"] == private["uri"], what="the followers-only post")
    assert seen["visibility"] == "private"
    direct = await ada("status_post", f"for you alone, @{linus.acct}", visibility="direct")
    told = await linus.is_told("mention", ada)
    assert (told["status"]["uri"], told["status"]["visibility"]) == (direct["uri"], "direct")
    public = await linus("timeline_public")
    assert {private["uri"], direct["uri"]}.isdisjoint(one["uri"] for one in public)


async def test_unfollowing_and_blocking_reach_the_other_site(people: tuple[Person, Person]) -> None:
    """Who unfollows is no longer a follower over there; who blocks is neither follower nor followed."""
    ada, linus = people
    await linus("account_unfollow", (await linus.find(ada))["id"])

    async def ada_has(followers: int) -> bool:
        return bool((await ada("account_verify_credentials"))["followers_count"] == followers)

    await eventually(lambda: ada_has(0), "the follower to be gone")
    await linus("account_block", (await linus.find(ada))["id"])

    async def unfollowed() -> bool:
        (relationship,) = await ada("account_relationships", (await ada.find(linus))["id"])
        return not relationship["following"]

    await eventually(unfollowed, "ada to follow linus no more")
