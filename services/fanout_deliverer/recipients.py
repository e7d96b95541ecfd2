"""Whom an activity goes to, page by page: memory does not grow with the number of followers."""

import asyncio
from collections.abc import Awaitable, Callable, Container, Sequence

import msgspec
import structlog
from msgspec import Struct

from services.fanout_deliverer.plan import Audience
from shared.database import audience, delivery_plans, fetches, retired_inboxes
from shared.database.audience import NEWEST, Addressee, Sender
from shared.database.delivery_plans import Destination
from shared.database.pool import Connection
from shared.protocol.errors import Rejected, Unavailable
from shared.protocol.identifiers import host_of
from shared.protocol.local_uris import LocalUris
from shared.resolution import DomainBlocks, Resolver

log = structlog.get_logger(__name__)

PAGE = 1000
"""Followers, or inboxes, per page."""

RESOLVE_AT_MOST = 16
"""Actors of one activity that are looked up elsewhere; what we write to is known here, as a rule."""

RESOLVE_SECONDS = 5.0


class Position(Struct, frozen=True, kw_only=True):
    """Where a list of recipients goes on: in which of its parts, above which name or below which follow."""

    part: int = 0
    above: str = ""
    below: int = NEWEST


START = Position()

Page = tuple[list[Destination], Position | None]
"""Destinations, and where the list goes on; at None it has ended."""

_Part = Callable[[Connection, Sender, Audience, Position], Awaitable[Page]]

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Position)


def encode(position: Position) -> bytes:
    """Return a position as bytes that `decode` reads."""
    return _encoder.encode(position)


def decode(position: bytes) -> Position:
    """Return the position in these bytes; where there are none, the start."""
    return _decoder.decode(position) if position else START


class Recipients:
    """Lists destinations: those who are named, those who were told before, those who fetched, followers.

    Args:
        resolver: Finds actors that are named but not known.
        uris: What is local, and never sent to.
        blocks: Suspended domains.
        page: Followers, or inboxes, per page.
    """

    def __init__(
        self, *, resolver: Resolver, uris: LocalUris, blocks: DomainBlocks, page: int = PAGE
    ) -> None:
        self._resolver = resolver
        self._uris = uris
        self._blocks = blocks
        self._page = page
        self._parts: tuple[_Part, ...] = (
            self._named,
            self._told_of_subject,
            self._told_by_actor,
            self._fetched,
            self._followers,
        )

    async def page(
        self,
        conn: Connection,
        sender: Sender,
        reach: Audience,
        at: Position,
        seen: Container[str] = frozenset(),
    ) -> Page:
        """Return the destinations at a position that are allowed and there, each once in this page.

        Inboxes that were `seen` in pages before are left out, and nothing is asked about them: most followers
        share theirs with others.
        """
        found: list[Destination] = []
        following: Position | None = at
        while following is not None and len(found) < self._page:
            part = following.part
            some, following = await self._parts[part](conn, sender, reach, following)
            found += some
            if following is None and part + 1 < len(self._parts):
                following = Position(part=part + 1)
        new = {one.inbox: one for one in found if one.inbox not in seen}
        allowed = {inbox: one for inbox, one in new.items() if self._is_allowed(inbox, reach.besides)}
        for inbox in await retired_inboxes.retired(conn, list(allowed)) if allowed else ():
            del allowed[inbox]
        return list(allowed.values()), following

    async def _named(self, conn: Connection, _: Sender, reach: Audience, __: Position) -> Page:
        """Return the inboxes of those who are named, actors or authors."""
        known = await audience.actors_named(conn, reach.named) if reach.named else []
        left = [uri for uri in reach.named if uri not in {addressee.uri for addressee in known}]
        known += await audience.authors_of(conn, left) if left else []
        found = {addressee.uri for addressee in known}
        known += await self._resolve([uri for uri in left if uri not in found])
        concerned = [_inbox(one, personal=reach.personal) for one in known if not one.local]
        return [*concerned, *reach.also], None

    async def _told_of_subject(self, conn: Connection, _: Sender, reach: Audience, at: Position) -> Page:
        if not reach.recalls:
            return [], None
        told = await delivery_plans.receivers_of_subject(conn, reach.subject, at.above, self._page)
        return told, self._above(at, told)

    async def _told_by_actor(self, conn: Connection, sender: Sender, reach: Audience, at: Position) -> Page:
        if not reach.recalls_all:
            return [], None
        told = await delivery_plans.receivers_of_actor(conn, sender.id, at.above, self._page)
        return told, self._above(at, told)

    async def _fetched(self, conn: Connection, _: Sender, reach: Audience, at: Position) -> Page:
        if not reach.recalls:
            return [], None
        hosts = await fetches.fetched_by(conn, reach.subject, at.above, self._page)
        more = Position(part=at.part, above=hosts[-1].host) if len(hosts) == self._page else None
        return [one.destination for one in hosts], more

    async def _followers(self, conn: Connection, sender: Sender, reach: Audience, at: Position) -> Page:
        if not reach.followers:
            return [], None
        found = await audience.follower_page(conn, sender.id, at.below, self._page)
        more = None if found.next_below is None else Position(part=at.part, below=found.next_below)
        return list(found.destinations), more

    def _above(self, at: Position, told: Sequence[Destination]) -> Position | None:
        return Position(part=at.part, above=told[-1].inbox) if len(told) == self._page else None

    async def _resolve(self, uris: Sequence[str]) -> list[Addressee]:
        remote = [uri for uri in uris if not self._uris.is_local(uri)][:RESOLVE_AT_MOST]
        found = await asyncio.gather(*(self._resolve_one(uri) for uri in remote))
        return [addressee for addressee in found if addressee is not None]

    async def _resolve_one(self, uri: str) -> Addressee | None:
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                actor = await self._resolver.actor(uri)
        except (Rejected, Unavailable, TimeoutError) as error:
            log.warning("recipient_unknown", recipient=uri, error=f"{type(error).__name__}: {error}"[:200])
            return None
        return Addressee(uri=uri, inbox=actor.inbox, shared_inbox=actor.shared_inbox, local=actor.local)

    def _is_allowed(self, inbox: str, besides: str) -> bool:
        host = host_of(inbox)
        return host not in {"", besides} and not self._uris.is_local(inbox) and host not in self._blocks


def _inbox(addressee: Addressee, *, personal: bool) -> Destination:
    shared = bool(addressee.shared_inbox) and not personal
    return Destination(inbox=addressee.shared_inbox if shared else addressee.inbox, shared=shared)
