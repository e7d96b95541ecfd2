"""A person with a client of the Mastodon API, as the story needs one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

import aiohttp
import msgspec
from msgspec import Struct

PATIENCE = 20.0
"""Seconds that a person waits for something to show. At rest it takes well under one."""

_LOOK_EVERY = 0.02
_NOT_FOUND = 404

T = TypeVar("T")


class StoryError(Exception):
    """Something did not go as told; the message is for people."""


class Account(Struct, frozen=True):
    """What the story reads of an account."""

    id: str
    acct: str


class Tag(Struct, frozen=True):
    """A hashtag of a post."""

    name: str


class Status(Struct, frozen=True, kw_only=True):
    """What the story reads of a post."""

    id: str
    uri: str
    account: Account
    content: str = ""
    spoiler_text: str = ""
    edited_at: str | None = None
    in_reply_to_id: str | None = None
    favourites_count: int = 0
    reblogs_count: int = 0
    tags: tuple[Tag, ...] = ()
    mentions: tuple[Account, ...] = ()


class Relationship(Struct, frozen=True):
    """How one account stands to another."""

    following: bool
    followed_by: bool
    requested: bool = False


class Notification(Struct, frozen=True):
    """What a person is told of."""

    type: str
    account: Account
    status: Status | None = None


class SearchResults(Struct, frozen=True):
    """What a search finds; the story looks for people."""

    accounts: tuple[Account, ...]


class Person:
    """One signed-in account.

    Args:
        name: The local name.
        site: The origin of its site.
        token: An access token.
        session: Carries the requests.
    """

    def __init__(self, name: str, site: str, token: str, session: aiohttp.ClientSession) -> None:
        self.name = name
        self.site = site
        self.handle = f"@{name}@{site.removeprefix('http://')}"
        self._token = token
        self._session = session

    async def find(self, handle: str) -> Account:
        """Look up an account of another site by its handle."""
        query = {"q": handle, "resolve": "true", "type": "accounts"}
        found = await self._get("/api/v2/search", SearchResults, query)
        if not found.accounts:
            raise StoryError(f"{self.name} searched for {handle} and found nobody")
        return found.accounts[0]

    async def follow(self, account: Account) -> Relationship:
        """Ask to follow."""
        return await self._post(f"/api/v1/accounts/{account.id}/follow", Relationship)

    async def relationship(self, account: Account) -> Relationship:
        """See how this person stands to an account."""
        (found,) = await self._get("/api/v1/accounts/relationships", list[Relationship], {"id[]": account.id})
        return found

    async def publish(self, text: str, **fields: str) -> Status:
        """Write a post."""
        return await self._post("/api/v1/statuses", Status, {"status": text, **fields})

    async def edit(self, status: Status, text: str, **fields: str) -> Status:
        """Change a post."""
        return await self._send("PUT", f"/api/v1/statuses/{status.id}", Status, {"status": text, **fields})

    async def delete(self, status: Status) -> None:
        """Delete a post."""
        await self._send("DELETE", f"/api/v1/statuses/{status.id}", msgspec.Raw)

    async def favourite(self, status: Status) -> Status:
        """Like a post."""
        return await self._post(f"/api/v1/statuses/{status.id}/favourite", Status)

    async def boost(self, status: Status) -> Status:
        """Boost a post."""
        return await self._post(f"/api/v1/statuses/{status.id}/reblog", Status)

    async def status(self, status_id: str) -> Status | None:
        """Read one post; None when it is gone."""
        async with self._request("GET", f"/api/v1/statuses/{status_id}") as answer:
            if answer.status == _NOT_FOUND:
                return None
            return await self._read(answer, Status)

    async def home(self) -> list[Status]:
        """Read the newest of the home timeline."""
        return await self._get("/api/v1/timelines/home", list[Status])

    async def notifications(self) -> list[Notification]:
        """Read the newest notifications."""
        return await self._get("/api/v1/notifications", list[Notification])

    async def _get(self, path: str, kind: type[T], query: dict[str, str] | None = None) -> T:
        async with self._request("GET", path, query=query) as answer:
            return await self._read(answer, kind)

    async def _post(self, path: str, kind: type[T], body: dict[str, str] | None = None) -> T:
        return await self._send("POST", path, kind, body)

    async def _send(self, method: str, path: str, kind: type[T], body: dict[str, str] | None = None) -> T:
        async with self._request(method, path, body=body) as answer:
            return await self._read(answer, kind)

    def _request(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: dict[str, str] | None = None,
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        headers = {"Authorization": f"Bearer {self._token}"}
        return self._session.request(method, self.site + path, params=query, json=body, headers=headers)

    async def _read(self, answer: aiohttp.ClientResponse, kind: type[T]) -> T:
        body = await answer.read()
        if not answer.ok:
            asked = f"{answer.method} {answer.url.path}"
            raise StoryError(
                f"{self.name}: {asked} answered {answer.status}: {body[:200].decode(errors='replace')}"
            )
        return msgspec.json.decode(body, type=kind)


async def shown(
    what: str, look: Callable[[], Awaitable[T | None]], since: float | None = None
) -> tuple[T, float]:
    """Wait until a look finds something; return it and the seconds that passed since, else from now.

    Raises:
        StoryError: it does not show in time.
    """
    began = since or time.monotonic()
    while True:
        found = await look()
        passed = time.monotonic() - began
        if found:
            return found, passed
        if passed > PATIENCE:
            raise StoryError(f"{what} did not show within {PATIENCE:.0f} s")
        await asyncio.sleep(_LOOK_EVERY)
