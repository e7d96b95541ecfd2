"""The one guarded HTTP client: every request that leaves Heddle for another server goes through it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import aiohttp
from msgspec import Struct
from yarl import URL

from shared.remote.addresses import PeerPolicy
from shared.remote.budgets import Budget, DomainBudgets, public_suffixes
from shared.remote.connections import Connections
from shared.remote.connector import Guard, guarded_connector
from shared.remote.errors import (
    BadUrl,
    OwnHost,
    TimedOut,
    TooManyRedirects,
    WrongMediaType,
)
from shared.remote.exchange import (
    PostResult,
    Reading,
    Response,
    is_stale,
    read_beginning,
    read_whole,
    translated,
)
from shared.remote.posting import Poster
from shared.remote.resolver import DnsLookup, Lookup, Resolver
from shared.remote.slots import HostSlots, WarmHosts
from shared.remote.urls import authority, canonical, destination
from shared.signatures.sign import Signer

MAX_DOCUMENT = 1024 * 1024
"""Bytes of an answer, decompressed."""

DEADLINE = 10.0
"""Seconds for a whole exchange: waiting for a slot, names, connecting, redirects, the last byte."""

MAX_REDIRECTS = 3
_EXCERPT = 4096
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK, _MULTIPLE_CHOICES = 200, 300

MediaTypes = Callable[[str], bool]
Read = Callable[[aiohttp.ClientResponse], Awaitable[Reading]]


class Limits(Struct, frozen=True, kw_only=True):
    """What one client may hold open.

    Args:
        connections: Exchanges at once, over all hosts.
        per_host: Exchanges with one host at once.
        warm_hosts: Hosts whose connections stay open between exchanges.
        keep_alive: Seconds that an idle connection stays open.
        budget: Fetches from one registrable domain; deliveries are what we want to send, and not counted.
    """

    connections: int = 512
    per_host: int = 8
    warm_hosts: int = 4096
    keep_alive: float = 60.0
    budget: Budget = Budget()


class GuardedClient:
    """Speaks HTTP with servers that nobody vouches for.

    Use it as an asynchronous context manager; one per process is enough.

    Args:
        policy: Which addresses are peers.
        user_agent: Who we are, with a URL.
        own_hosts: Hosts, with their ports, that are ours and are never requested.
        limits: What may be held open.
        lookup: Who knows the addresses of names; the system's DNS servers unless given.
    """

    def __init__(
        self,
        policy: PeerPolicy,
        *,
        user_agent: str,
        own_hosts: Collection[str] = (),
        limits: Limits | None = None,
        lookup: Lookup | None = None,
    ) -> None:
        self._policy = policy
        self._user_agent = user_agent
        self._own_hosts = frozenset(host.lower() for host in own_hosts)
        self._limits = limits or Limits()
        self._lookup = lookup
        self._slots = HostSlots(self._limits.per_host)
        self._budgets = DomainBudgets(self._limits.budget)
        self._warm = WarmHosts(self._limits.warm_hosts, self._limits.keep_alive)
        self._resources = AsyncExitStack()

    async def __aenter__(self) -> Self:
        public_suffixes()
        lookup = self._lookup
        if lookup is None:
            lookup = dns = DnsLookup()
            self._resources.push_async_callback(dns.close)
        resolver = Resolver(lookup)
        self._resources.push_async_callback(resolver.close)
        self._guard = Guard(self._policy, resolver)
        self._session = await self._resources.enter_async_context(self._open_session())
        limits = self._limits
        kept = Connections(self._guard, most=limits.warm_hosts, keep_alive=limits.keep_alive)
        await self._resources.enter_async_context(kept.sweeping())
        self._poster = Poster(kept, self._slots, at_once=limits.connections, user_agent=self._user_agent)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._resources.__aexit__(kind, error, trace)

    def _open_session(self) -> aiohttp.ClientSession:
        limits = self._limits
        return aiohttp.ClientSession(
            connector=guarded_connector(
                self._guard, connections=limits.connections, keep_alive=limits.keep_alive
            ),
            headers={"User-Agent": self._user_agent, "Accept-Encoding": "gzip, deflate"},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=DEADLINE / 2),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            max_line_size=8190,
            max_field_size=8190,
        )

    async def get(
        self,
        url: str,
        *,
        accept: str,
        media_types: MediaTypes | None = None,
        sign: Signer | None = None,
        max_bytes: int = MAX_DOCUMENT,
        deadline: float = DEADLINE,
    ) -> Response:
        """Return the answer to a GET, after at most three redirects; raises Rejected, RemoteUnavailable.

        Args:
            url: What to fetch.
            accept: The `Accept` header, which is never signed.
            media_types: Tells whether a `Content-Type` is one that was asked for; judged for a 2xx.
            sign: Signs each hop anew.
            max_bytes: Of the body of a 2xx, decompressed.
            deadline: Seconds for everything.
        """
        try:
            async with asyncio.timeout(deadline):
                return await self._follow(canonical(url), accept, sign, _reader(media_types, max_bytes))
        except TimeoutError:
            raise TimedOut(f"{url[:200]}: {deadline:g} s") from None

    async def _follow(
        self,
        url: URL,
        accept: str,
        sign: Signer | None,
        read: Read,
    ) -> Response:
        for _ in range(MAX_REDIRECTS + 1):
            signed = sign.headers("GET", str(url)) if sign else ()
            with self._budgets.spend(url.raw_host or ""):
                answer = await self._exchange(url, [("Accept", accept), *signed], read)
            if answer.status not in _REDIRECTS:
                return Response(
                    status=answer.status,
                    url=str(url),
                    headers=answer.headers,
                    content_type=answer.headers.get("content-type", ""),
                    body=answer.body,
                )
            url = _next_hop(url, answer.headers.get("location", ""))
        raise TooManyRedirects(str(url)[:200])

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Iterable[tuple[str, str]] = (),
        *,
        sign: Signer | None = None,
        deadline: float = DEADLINE,
    ) -> PostResult:
        """Return how a server answered a delivery; raises Rejected, RemoteUnavailable.

        No status raises, and redirects are not followed: the status is the answer.

        Args:
            url: An inbox.
            body: What to deliver.
            headers: To be sent beside the `Content-Type`: what `sign_request` returned, or where `sign` is
                given, what it shall cover beside its own.
            sign: Signs the request.
            deadline: Seconds for everything.
        """
        to = destination(url)
        if to.authority in self._own_hosts:
            raise OwnHost(to.authority)
        return await self._poster.post(
            to,
            body,
            lambda: sign.headers("POST", to.text, body, headers) if sign else headers,
            deadline=deadline,
        )

    async def _exchange(self, url: URL, headers: list[tuple[str, str]], read: Read) -> Reading:
        host = authority(url)
        if host in self._own_hosts:
            raise OwnHost(host)
        await self._slots.acquire(host)
        try:
            await self._guard.check(url)
            if not self._warm.admit(host):
                headers.append(("Connection", "close"))
            answer = await self._request(url, headers)
            try:
                return await read(answer)
            finally:
                answer.release()
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise translated(error, host) from error
        finally:
            self._slots.release(host)

    async def _request(self, url: URL, headers: list[tuple[str, str]]) -> aiohttp.ClientResponse:
        try:
            return await self._session.get(url, headers=headers, allow_redirects=False)
        except aiohttp.ClientError as error:
            # A kept connection may have been closed by the other side a moment ago.
            if not is_stale(error):
                raise
        return await self._session.get(url, headers=headers, allow_redirects=False)


def _next_hop(url: URL, location: str) -> URL:
    if not location:
        raise TooManyRedirects("a redirect without a Location")
    try:
        joined = url.join(URL(location))
    except ValueError as error:
        raise BadUrl(f"Location: {error}"[:200]) from None
    return canonical(str(joined))


def _reader(media_types: MediaTypes | None, max_bytes: int) -> Read:
    async def read(answer: aiohttp.ClientResponse) -> Reading:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if not _OK <= answer.status < _MULTIPLE_CHOICES:
            return Reading(answer.status, headers, await read_beginning(answer, _EXCERPT))
        content_type = headers.get("content-type", "")
        if media_types is not None and not media_types(content_type):
            raise WrongMediaType(content_type[:200] or "no Content-Type")
        return Reading(answer.status, headers, await read_whole(answer, max_bytes))

    return read
