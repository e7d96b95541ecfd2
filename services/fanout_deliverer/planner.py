"""The handler of `fanout.plan`: from one activity to one delivery per server, page by page."""

import asyncio
from collections.abc import Sequence

import structlog

from services.fanout_deliverer.outgoing import Outgoing, Page
from services.fanout_deliverer.plan import Audience, audience_of, recall_only
from services.fanout_deliverer.relays import Relays
from services.fanout_deliverer.signers import Signers
from shared.database import audience, deliveries, follower_digests, retired_inboxes
from shared.database.audience import NEWEST, Addressee, Sender
from shared.database.deliveries import Destination, SentActivity
from shared.database.pool import Connection, Pool, unavailable_when_down
from shared.protocol.activities import type_name
from shared.protocol.errors import Rejected, Unavailable
from shared.protocol.identifiers import host_of
from shared.protocol.local_uris import LocalUris
from shared.protocol.messages import AcceptedActivity
from shared.queue.publisher import Publisher
from shared.resolution import DomainBlocks, Resolver
from shared.signatures.proofs import add_proof
from shared.telemetry.logging import bound

log = structlog.get_logger(__name__)

PAGE = 1000
"""Followers per page."""

RESOLVE_AT_MOST = 16
"""Actors of one activity that are looked up elsewhere; what we write to is known here, as a rule."""

RESOLVE_SECONDS = 5.0


class SenderUnknown(Rejected):
    """The actor of an activity to be sent is none of ours."""

    reason = "sender_unknown"


class Planner:
    """Plans activities one after the other, in the order of the queue.

    Args:
        pool: The database.
        publisher: For the deliveries.
        resolver: Finds actors that are named but not known.
        signers: Their keys make the integrity proofs.
        uris: What is local, and never sent to.
        blocks: Suspended domains.
    """

    def __init__(
        self,
        *,
        pool: Pool,
        publisher: Publisher,
        resolver: Resolver,
        signers: Signers,
        uris: LocalUris,
        blocks: DomainBlocks,
    ) -> None:
        self._pool = pool
        self._publisher = publisher
        self._resolver = resolver
        self._signers = signers
        self._uris = uris
        self._blocks = blocks
        self._relays = Relays()

    async def plan(self, items: Sequence[AcceptedActivity]) -> None:
        """Record and publish the deliveries of these activities; raises Unavailable, or Rejected for one."""
        await self._blocks.refresh()
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                done = await deliveries.planned(conn, [item.activity.id for item in items])
                outgoing = Outgoing(conn, self._publisher)
                for item in items:
                    if item.activity.id in done:
                        log.info("already_planned", trace=item.trace, activity=item.activity.id)
                        continue
                    with bound(trace=item.trace):
                        await self._plan(conn, item, outgoing)
                    done.add(item.activity.id)
                await outgoing.flush()

    async def _plan(self, conn: Connection, item: AcceptedActivity, outgoing: Outgoing) -> None:
        sender = await audience.sender_by_uri(conn, item.activity.actor)
        if sender is None or not item.body:
            raise SenderUnknown(item.activity.actor[:200])
        reach = self._reach(item, sender)
        if reach is None:
            return
        if reach.recalls:
            # What this takes back may have been gathered a moment ago, and has to be found.
            await outgoing.flush()
        body = item.body if reach.personal else await self._proven(conn, item, sender)
        sent, seen = _sent(item, sender, reach, body), set[str]()
        addressed = await self._addressed(conn, sender, reach)
        addressed += await self._relays.destinations(
            conn,
            item.activity,
            by_site=sender.uri == self._uris.instance_actor,
            federated=sender.federated and sender.active,
        )
        page = await self._allowed(conn, addressed, seen)
        # Only what is for followers alone tells who they are, as everywhere in the field: a follower too many
        # does harm there, and the digests of an author are read once for the whole plan.
        digests = await follower_digests.by_host(conn, sender.id) if reach.closed else {}
        below: int | None = NEWEST if reach.followers else None
        while below is not None:
            await outgoing.add(Page(sent, page, last=False, digests=digests))
            followers = await audience.follower_page(conn, sender.id, below, PAGE)
            page, below = await self._allowed(conn, followers.destinations, seen), followers.next_below
        await outgoing.add(Page(sent, page, last=True, digests=digests))
        log.info("planned", activity=sent.uri, type=sent.type, inboxes=len(seen))

    async def _proven(self, conn: Connection, item: AcceptedActivity, sender: Sender) -> bytes:
        """Return an activity with a proof, so that it stands wherever it is passed on to (FEP-8b32).

        What concerns one other actor only is not passed on: there the signature of the request is enough.
        """
        await self._signers.load(conn, [sender.id])
        prover = self._signers.prover(sender.id)
        # Dated as the activity, not now: planned again after a crash, it has to be the same bytes.
        return add_proof(
            item.body, key_id=prover.key_id, private_key=prover.private_key, created=item.received_at
        )

    def _reach(self, item: AcceptedActivity, sender: Sender) -> Audience | None:
        reach = audience_of(item.activity, sender.followers_uri)
        if sender.federated and sender.active:
            return reach
        limited = recall_only(reach)
        if limited is None:
            log.info("not_federated", activity=item.activity.id, type=type_name(item.activity))
        return limited

    async def _addressed(self, conn: Connection, sender: Sender, reach: Audience) -> list[Destination]:
        """Return the inboxes of those who are named, and of those who were told of the matter before."""
        known = await audience.actors_named(conn, reach.named) if reach.named else []
        left = [uri for uri in reach.named if uri not in {addressee.uri for addressee in known}]
        known += await audience.authors_of(conn, left) if left else []
        found = {addressee.uri for addressee in known}
        known += await self._resolve([uri for uri in left if uri not in found])
        told = await deliveries.receivers_of_subject(conn, reach.subject) if reach.recalls else []
        told += await deliveries.receivers_of_actor(conn, sender.id) if reach.recalls_all else []
        return [_inbox(one, personal=reach.personal) for one in known if not one.local] + told

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

    async def _allowed(
        self, conn: Connection, to: Sequence[Destination], seen: set[str]
    ) -> list[Destination]:
        """Return those destinations that are allowed, there and new, and note that they are seen."""
        page = {one.inbox: one for one in to if one.inbox not in seen and self._is_allowed(one.inbox)}
        for inbox in await retired_inboxes.retired(conn, list(page)) if page else ():
            del page[inbox]
        seen.update(page)
        return list(page.values())

    def _is_allowed(self, inbox: str) -> bool:
        host = host_of(inbox)
        return bool(host) and not self._uris.is_local(inbox) and host not in self._blocks


def _sent(item: AcceptedActivity, sender: Sender, reach: Audience, body: bytes) -> SentActivity:
    return SentActivity(
        uri=item.activity.id,
        type=type_name(item.activity),
        actor_id=sender.id,
        subject=reach.subject,
        body=body,
        trace=item.trace,
        created_at=item.received_at,
    )


def _inbox(addressee: Addressee, *, personal: bool) -> Destination:
    shared = bool(addressee.shared_inbox) and not personal
    return Destination(inbox=addressee.shared_inbox if shared else addressee.inbox, shared=shared)
