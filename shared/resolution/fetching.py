"""Documents that prove what they are: what calls itself by an id came from that very address."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar
from urllib.parse import urldefrag

from msgspec.structs import replace

from shared.protocol.errors import Rejected, Unavailable
from shared.protocol.identifiers import host_of, origin_of, same_origin
from shared.protocol.local_uris import LocalUris
from shared.protocol.objects import ActorProfile
from shared.protocol.reader import WebFinger, read_webfinger
from shared.remote.client import GuardedClient
from shared.remote.documents import fetch_document, fetch_webfinger
from shared.remote.errors import BadUrl, Denied, NotThere, TimedOut
from shared.remote.exchange import Response
from shared.resolution.accepts import Accepts
from shared.resolution.blocks import DomainBlocks
from shared.resolution.errors import DomainBlocked, IdMismatch, LocalUri
from shared.resolution.flights import Failures
from shared.resolution.handles import Handle, webfinger_url
from shared.resolution.knocking import Knocks
from shared.resolution.trust import is_at, is_stripped
from shared.signatures.request import Scheme
from shared.signatures.sign import Signer

NOT_ACCEPTABLE, GONE = 406, 410
DEADLINE = 6.0
"""Seconds for one document, so that a host that drips is known as such before the whole question is over."""


class Identified(Protocol):
    """A document that has an id."""

    @property
    def id(self) -> str:
        """The URI that the document gives itself."""


D = TypeVar("D", bound=Identified)


class Fetcher:
    """Fetches from other servers, signed by the instance actor; never from ourselves or a blocked domain.

    Args:
        client: The guarded client.
        signer: Signs every request.
        uris: What is local.
        blocks: What is blocked.
        accepts: What hosts insist on.
    """

    def __init__(
        self, client: GuardedClient, signer: Signer, uris: LocalUris, blocks: DomainBlocks, accepts: Accepts
    ) -> None:
        self._client = client
        self._signers = {scheme: replace(signer, scheme=scheme) for scheme in Scheme}
        self._knocks = Knocks()
        self._uris = uris
        self._blocks = blocks
        self._accepts = accepts
        self._failures = Failures()

    async def document(self, uri: str) -> Response:
        """Return the ActivityPub document at a URI; raises Rejected or Unavailable."""
        url = urldefrag(uri).url
        await self.check(url)
        return await self._remembering(url, self._knock(url))

    async def authentic(self, uri: str, read: Callable[[bytes], D]) -> D:
        """Return the document at a URI once it is at its own id; raises Rejected or Unavailable.

        A page's address, or one that redirects, leads to the id in one more step on the same origin.
        """
        response = await self.document(uri)
        found = read(response.body)
        if is_at(found.id, response.url):
            return await self._in_full(found, response.url, read)
        if not same_origin(found.id, response.url):
            raise IdMismatch(f"{response.url[:200]} has {found.id[:200]}")
        response = await self.document(found.id)
        again = read(response.body)
        if again.id != found.id or not is_at(again.id, response.url):
            raise IdMismatch(f"{response.url[:200]} has {again.id[:200]}")
        return await self._in_full(again, response.url, read)

    async def webfinger(self, handle: Handle) -> WebFinger:
        """Ask a handle's host for it; raises Rejected or Unavailable."""
        # What we speak ourselves is what our peers speak: plain HTTP in development only.
        url = webfinger_url(origin_of(self._uris.origin).partition(":")[0], handle)
        await self.check(url)
        signer = self._signers[self._knocks.order(url)[0]]
        response = await self._remembering(url, fetch_webfinger(self._client, url, signer))
        return read_webfinger(response.body)

    async def check(self, uri: str) -> None:
        """Raise Rejected for what is never fetched, and the failure of what was tried in vain just now."""
        if not origin_of(uri):
            raise BadUrl(uri[:200])
        if self._uris.is_local(uri) or host_of(uri) == self._uris.account_domain:
            raise LocalUri(uri[:200])
        await self._blocks.refresh()
        if host_of(uri) in self._blocks:
            raise DomainBlocked(host_of(uri))
        self._failures.check(uri)

    def forget_failure(self, uri: str) -> None:
        """Let a URI be tried again at once, unless its host is out of reach."""
        self._failures.forget(urldefrag(uri).url)

    async def _remembering(self, url: str, fetch: Awaitable[Response]) -> Response:
        try:
            async with asyncio.timeout(DEADLINE):
                return await fetch
        except TimeoutError:
            late = TimedOut(f"{url[:200]}: {DEADLINE:g} s")
            self._failures.remember(url, late)
            raise late from None
        except (Rejected, Unavailable) as failure:
            self._failures.remember(url, failure)
            raise

    async def _knock(self, url: str) -> Response:
        first, second = self._knocks.order(url)
        try:
            return await self._ask(url, first)
        except (Denied, NotThere) as failure:
            if failure.status in {GONE, NOT_ACCEPTABLE}:
                raise
            # Some servers answer 401, 403 or 404 to a signature that they cannot read.
            try:
                response = await self._ask(url, second)
            except Rejected:
                raise failure from None
        self._knocks.took(url, second)
        return response

    async def _ask(self, url: str, scheme: Scheme) -> Response:
        """Ask by the Accept that the host takes, which is learned where that is not the usual one."""
        host, signer = host_of(url), self._signers[scheme]
        first, *others = await self._accepts.of(host)
        try:
            return await fetch_document(self._client, url, signer, accept=first)
        except Denied as failure:
            if failure.status != NOT_ACCEPTABLE:
                raise
            for other in others:
                with contextlib.suppress(Denied):
                    response = await fetch_document(self._client, url, signer, accept=other)
                    await self._accepts.learn(host, other)
                    return response
            raise

    async def _in_full(self, found: D, url: str, read: Callable[[bytes], D]) -> D:
        """Return an actor as the other signature gets it, if this one got no more than a stripped one.

        Misskey and its forks answer so, with 200, where they do not like a signature.
        """
        if not isinstance(found, ActorProfile) or not is_stripped(found) or self._knocks.is_terse(url):
            return found
        scheme = self._knocks.order(url)[1]
        try:
            response = await self._ask(url, scheme)
            again = read(response.body)
        except Unavailable:
            return found
        except Rejected:
            self._knocks.terse(url)
            return found
        fuller = isinstance(again, ActorProfile) and not is_stripped(again)
        if not fuller or again.id != found.id or not is_at(again.id, response.url):
            self._knocks.terse(url)
            return found
        self._knocks.took(url, scheme)
        return again
