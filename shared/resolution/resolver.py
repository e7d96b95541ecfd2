"""From a URI, a handle or a key id to something that is known here, by way of its own server."""

import asyncio
import functools
from datetime import UTC, datetime

from msgspec.structs import replace

from shared.database import actors
from shared.database.actors import ActorRow, RemoteActor
from shared.database.keys import KnownKey
from shared.database.own_posts import author_of
from shared.database.pool import Pool, unavailable_when_down
from shared.protocol.errors import Rejected
from shared.protocol.identifiers import IdGenerator, host_of, same_origin
from shared.protocol.local_uris import LocalUris
from shared.protocol.objects import ActorProfile, Note
from shared.protocol.reader import read_actor, read_key_owner, read_note, read_object
from shared.remote.client import GuardedClient
from shared.remote.urls import canonical
from shared.resolution.accepts import Accepts
from shared.resolution.blocks import DomainBlocks
from shared.resolution.collections import members
from shared.resolution.errors import ActorGone, HandleMismatch, KeyNotListed, LocalUri, NotTheAuthor
from shared.resolution.fetching import Fetcher
from shared.resolution.flights import Flights
from shared.resolution.handles import Handle, domain_of, read_handle
from shared.resolution.quotes import bears_out, is_stamped_elsewhere
from shared.resolution.trust import is_at, is_stripped, listed_key, trusted
from shared.signatures.sign import Signer

DEADLINE = 10.0
"""Seconds for everything that one question leads to."""

HANDLE_DEADLINE = 3.0
"""Seconds for finding an actor's handle; who answers later goes by the name at the actor's own host."""


class Resolver:
    """Answers from the database, and asks the server in charge where the database does not know.

    Every method raises Rejected where the answer cannot be had or trusted, and Unavailable where it may be
    had later. What is asked for twice at once is fetched once; what failed is not tried again at once.

    Args:
        client: The guarded client.
        pool: The database.
        signer: The instance actor, who signs every fetch.
        uris: What is local, and therefore never fetched.
        ids: Makes ids for actors that are new here.
        blocks: Suspended domains; its own reading of them unless given.
    """

    def __init__(
        self,
        client: GuardedClient,
        pool: Pool,
        signer: Signer,
        uris: LocalUris,
        ids: IdGenerator,
        *,
        blocks: DomainBlocks | None = None,
    ) -> None:
        self._fetcher = Fetcher(client, signer, uris, blocks or DomainBlocks(pool), Accepts(pool))
        self._pool = pool
        self._uris = uris
        self._ids = ids
        self._flights = Flights()

    async def actor(self, uri: str) -> ActorRow:
        """Return the actor of a URI, fetched and stored unless it is known."""
        known = await self._known(uri)
        return known if known is not None else await self.fetch_actor(uri)

    async def fetch_actor(self, uri: str) -> ActorRow:
        """Fetch and store a remote actor, whether it is known or not."""
        return await self._flights.join(f"actor {uri}", lambda: self._fetch_actor(uri), DEADLINE)

    async def acct(self, handle: str) -> ActorRow:
        """Return the actor that goes by `user@host`; raises HandleMismatch where WebFinger says otherwise."""
        wanted = read_handle(handle)
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                known = await actors.by_acct(conn, wanted.name, self._domain(wanted))
        if known is not None and known.suspended_at is None:
            return known
        return await self._flights.join(f"acct {wanted}", lambda: self._fetch_acct(wanted), DEADLINE)

    async def note(self, uri: str) -> Note:
        """Fetch a remote post. It is the author's own, the author is stored, the post is not."""
        return await self._flights.join(f"note {uri}", lambda: self._fetch_note(uri), DEADLINE)

    async def look_up(self, url: str) -> ActorRow | Note:
        """Fetch what a URL leads to, an actor or a post, be it an id or the address of a page."""
        located = url if url.isascii() else str(canonical(url))
        return await self._flights.join(f"look up {located}", lambda: self._look_up(located), DEADLINE)

    async def members(self, uri: str, *, pages: int, most: int) -> tuple[str, ...]:
        """Fetch a collection and return its members' ids, `most` at most, from so many pages at most."""
        work = functools.partial(members, self._fetcher, uri, pages=pages, most=most)
        return await self._flights.join(f"members {pages} {most} {uri}", work, DEADLINE)

    async def confirmed(self, note: Note) -> Note:
        """Return a post, marked where it quotes with a consent that the quoted author's server bears out.

        A post is worth as much without its quote: what cannot be had or does not fit is only not marked.
        """
        if not is_stamped_elsewhere(note, self._uris):
            return note
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                author = await author_of(conn, note.quote or "")
        fits = functools.partial(bears_out, self._fetcher, note, author)
        agreed = await self._flights.join(f"stamp {note.id} {note.quote_authorization}", fits, DEADLINE)
        return replace(note, quote_confirmed=True) if agreed else note

    async def key(self, key_id: str) -> KnownKey:
        """Fetch a signing key, by the id that a signature names, and store its owner, who has to list it."""
        return await self._flights.join(f"key {key_id}", lambda: self._fetch_key(key_id), DEADLINE)

    def forget_failure(self, uri: str) -> None:
        """Let a URI be tried at once although it failed a moment ago; its host may still be out of reach."""
        self._fetcher.forget_failure(uri)

    async def _known(self, uri: str) -> ActorRow | None:
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                known = await actors.by_uri(conn, uri)
        if known is not None and known.gone:
            raise ActorGone(uri[:200])
        return known

    def _domain(self, handle: Handle) -> str:
        return self._uris.account_domain if handle.host == self._uris.host else handle.host

    async def _fetch_actor(self, uri: str) -> ActorRow:
        return await self._store(await self._fetcher.authentic(uri, read_actor))

    async def _fetch_acct(self, wanted: Handle) -> ActorRow:
        answer = await self._fetcher.webfinger(wanted)
        found = await self.fetch_actor(answer.actor_uri)
        subject = read_handle(answer.subject)
        if not subject.same_name(found.username) or found.domain != subject.host:
            raise HandleMismatch(f"{wanted} leads to {found.username}@{found.domain}")
        return found

    async def _fetch_note(self, uri: str) -> Note:
        return await self.confirmed(await self._with_author(await self._fetcher.authentic(uri, read_note)))

    async def _look_up(self, url: str) -> ActorRow | Note:
        found = await self._fetcher.authentic(url, read_object)
        if isinstance(found, Note):
            return await self.confirmed(await self._with_author(found))
        return await self._store(found)

    async def _with_author(self, note: Note) -> Note:
        if not same_origin(note.attributed_to, note.id):
            raise NotTheAuthor(f"{note.id[:200]} by {note.attributed_to[:200]}")
        await self.actor(note.attributed_to)
        return note

    async def _fetch_key(self, key_id: str) -> KnownKey:
        response = await self._fetcher.document(key_id)
        document = read_key_owner(response.body)
        if document.owner is None:
            raise KeyNotListed(key_id[:200])
        profile = _actor_at(response.url, response.body, document.owner)
        if profile is None:
            profile = await self._fetcher.authentic(document.owner, read_actor)
        key = listed_key(profile, key_id)
        if key is None or profile.id != document.owner:
            raise KeyNotListed(f"{profile.id[:200]} does not list {key_id[:200]}")
        owner = await self._store(profile)
        return KnownKey(
            id=key.id,
            algorithm=key.algorithm,
            der=key.der,
            fetched_at=datetime.now(UTC),
            actor_id=owner.id,
            actor_uri=owner.uri,
            actor_local=False,
            actor_gone=owner.gone,
        )

    async def _store(self, profile: ActorProfile) -> ActorRow:
        own = trusted(profile)
        if self._uris.is_local(own.inbox):
            raise LocalUri(f"inbox {own.inbox[:200]}")
        domain = await self._domain_of(own)
        with unavailable_when_down():
            async with self._pool.acquire() as conn, conn.transaction():
                await actors.upsert_remote(conn, [RemoteActor(profile=own, domain=domain)], self._ids)
                stored = await actors.by_uri(conn, own.id)
        if stored is None or stored.local:
            raise LocalUri(own.id[:200])
        return stored

    async def _domain_of(self, profile: ActorProfile) -> str:
        try:
            async with asyncio.timeout(HANDLE_DEADLINE):
                return await domain_of(profile, self._fetcher.webfinger)
        except TimeoutError:
            return host_of(profile.id)


def _actor_at(url: str, document: bytes, owner: str) -> ActorProfile | None:
    """Return the actor that stands at a key's address, if it is the whole actor and the key's owner."""
    try:
        profile = read_actor(document)
    except Rejected:
        return None
    whole = profile.id == owner and is_at(profile.id, url) and not is_stripped(profile)
    return profile if whole else None
