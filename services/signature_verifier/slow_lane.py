"""The handler of `inbox.unresolved`: what needs another server before it can be judged.

Each request is on its own. It holds its slot for a bounded time, whatever the other server does, and one
that cannot be reached now is tried again later, from the database.
"""

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog
from msgspec.structs import replace

from services.signature_verifier.authority import SignerNotActor, may_be_forwarded
from services.signature_verifier.followers import Comparison
from services.signature_verifier.forwarded import ForwardedLane
from services.signature_verifier.gate import Gate, HostBusy
from services.signature_verifier.judge import Claim, Judge, another_key_may_fit
from services.signature_verifier.key_fetcher import KeyFetcher
from services.signature_verifier.keyring import Keyring, Refetches
from services.signature_verifier.quotes import Quotes
from services.signature_verifier.rotation import Rotation
from services.signature_verifier.verdicts import Refused, Verdicts
from shared.database import moves, pins, statuses
from shared.database.pool import Pool, unavailable_when_down
from shared.protocol.activities import Activity, Add, Announce, Move
from shared.protocol.errors import Rejected
from shared.protocol.identifiers import PUBLIC, host_of
from shared.protocol.local_uris import LocalUris
from shared.protocol.messages import AcceptedActivity, ReceivedRequest
from shared.protocol.objects import Note
from shared.remote.errors import RemoteUnavailable, TimedOut
from shared.resolution import DomainBlocks, Resolver
from shared.resolution.errors import DomainBlocked
from shared.signatures.refused import Refused as SignatureRefused

DEADLINE = 10.0
"""Seconds that one request may hold its slot."""

DELAYS = (10.0, 40.0, 120.0)
"""Seconds until a request is tried again whose key, or whose post, cannot be fetched."""

BUSY_DELAY = 10.0
BUSY_FOR = timedelta(minutes=30)
"""How long a request waits at most for a host that has more to do than it manages."""


log = structlog.get_logger(__name__)


class KeyUnreachable(Rejected):
    """The server of the signing key stayed out of reach."""

    reason = "key_unreachable"


class PostUnreachable(Rejected):
    """The server of the post that is shared, or was passed on, stayed out of reach."""

    reason = "post_unreachable"


class NotPublic(Rejected):
    """The shared post is not for everybody, and not the sharer's own."""

    reason = "shared_not_public"


class SlowLane:
    """Judges requests that need a fetch.

    Args:
        pool: The database.
        judge: Judges one request.
        keyring: The keys that are known.
        refetches: Which keys have been fetched again lately.
        resolver: Fetches keys and posts.
        blocks: Suspended domains.
        verdicts: Carries the verdicts out.
        uris: What is local.
        gate: Bounds what is under way to one host.
    """

    def __init__(
        self,
        *,
        pool: Pool,
        judge: Judge,
        keyring: Keyring,
        refetches: Refetches,
        resolver: Resolver,
        blocks: DomainBlocks,
        verdicts: Verdicts,
        uris: LocalUris,
        gate: Gate | None = None,
    ) -> None:
        self._pool = pool
        self._judge = judge
        self._keyring = keyring
        self._resolver = resolver
        self._blocks = blocks
        self._verdicts = verdicts
        self._uris = uris
        self._gate = gate or Gate()
        self._comparison = Comparison(pool)
        self._quotes = Quotes(pool, resolver, uris, self._gate)
        self._keys = KeyFetcher(keyring, resolver, self._gate)
        self._rotation = Rotation(keyring, refetches, self._keys.fetch_again)
        self._forwarded = ForwardedLane(
            judge=judge, keyring=keyring, keys=self._keys, resolver=resolver, gate=self._gate
        )

    async def resolve(self, items: Sequence[ReceivedRequest]) -> None:
        """Return when every request is passed on, refused, or set for later; raises Unavailable."""
        results = await asyncio.gather(*(self._resolve(item) for item in items), return_exceptions=True)
        for result in results:
            if result is not None:
                raise result

    async def _resolve(self, request: ReceivedRequest) -> None:
        try:
            accepted = await self._in_time(request)
        except Rejected as cause:
            await self._verdicts.refuse([Refused(request, cause)])
        except RemoteUnavailable as failure:
            await self._later(request, failure)
        else:
            await self._verdicts.accept(accepted)

    async def _in_time(self, request: ReceivedRequest) -> Sequence[AcceptedActivity]:
        deadline = asyncio.timeout(DEADLINE)
        try:
            async with deadline:
                return await self._judged(request)
        except TimeoutError:
            if deadline.expired():
                raise TimedOut(f"{request.actor[:200]}: {DEADLINE:g} s") from None
            raise

    async def _judged(self, request: ReceivedRequest) -> Sequence[AcceptedActivity]:
        claim = self._judge.read(request)
        await self._blocks.refresh()
        for uri in (request.actor, claim.key_id):
            if host_of(uri) in self._blocks:
                raise DomainBlocked(host_of(uri))
        activity, signer = await self._proven(claim)
        try:
            activity, quoted = await self._quotes.look_at(activity, signer)
            fetched = quoted or await self._fetched(activity, signer)
            own = self._judge.approve(claim, activity, signer, fetched)
        except SignerNotActor:
            if not may_be_forwarded(activity):
                raise
            return [await self._forwarded.judge(request, activity)]
        await self._comparison.look_at([(request, own)])
        return await self._one_by_one(own)

    async def _one_by_one(self, own: AcceptedActivity) -> Sequence[AcceptedActivity]:
        """Return what is shared at once as so many shares (FEP-1a11); what cannot be had is left out."""
        several = own.activity
        if not isinstance(several, Announce) or not several.also:
            return [own]
        shares = [replace(own, activity=replace(several, also=()))]
        for number, uri in enumerate(several.also, 1):
            share = replace(several, id=f"{several.id}#{number}", object=uri, also=())
            try:
                fetched = await self._fetched(share, share.actor)
            except (Rejected, RemoteUnavailable) as error:
                log.info("share_left_out", activity=several.id, post=uri[:200], reason=error.reason)
                continue
            shares.append(replace(own, activity=share, fetched=fetched))
        return shares

    async def _proven(self, claim: Claim) -> tuple[Activity, str]:
        """Return the activity and who signed it, by the key as it is stored, or as it is now."""
        key = (await self._keyring.read([claim.key_id])).get(claim.key_id)
        if key is None:
            key = await self._keys.fetch(claim.key_id)
            return self._judge.prove(claim, key), key.actor_uri
        try:
            return self._judge.prove(claim, key), key.actor_uri
        except SignatureRefused as cause:
            newer = await self._rotation.successor(key) if another_key_may_fit(cause) else None
            if newer is None:
                raise
        return self._judge.prove(claim, newer), newer.actor_uri

    async def _fetched(self, activity: Activity, signer: str) -> tuple[Note, ...]:
        """Return the post that is shared or pinned if it is neither ours nor known here."""
        if isinstance(activity, Move) and activity.actor == signer == activity.object:
            await self._read_ends(activity)
        if (
            not isinstance(activity, Announce | Add)
            or activity.actor != signer
            or self._uris.is_local(activity.object)
        ):
            return ()
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                if await statuses.by_uri(conn, activity.object) is not None:
                    return ()
                if isinstance(activity, Add) and not await pins.concern_us(
                    conn, activity.actor, activity.target
                ):
                    return ()
        async with self._gate.enter(host_of(activity.object)):
            note = await self._resolver.note(activity.object)
        if PUBLIC not in note.to and PUBLIC not in note.cc and note.attributed_to != activity.actor:
            raise NotPublic(note.id[:200])
        return (note,)

    async def _read_ends(self, move: Move) -> None:
        """Read anew what both ends of a move say of each other, if anybody here follows the old one."""
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                if not await moves.concerns_us(conn, move.actor):
                    return
        for uri in (move.actor, move.target):
            if not self._uris.is_local(uri):
                async with self._gate.enter(host_of(uri)):
                    await self._resolver.fetch_actor(uri)

    async def _later(self, request: ReceivedRequest, failure: RemoteUnavailable) -> None:
        now = datetime.now(UTC)
        if isinstance(failure, HostBusy) and now - request.received_at < BUSY_FOR:
            pause = BUSY_DELAY * random.uniform(0.5, 1.5)
            await self._verdicts.later(request, now + timedelta(seconds=pause))
        elif request.attempt <= len(DELAYS):
            pause = DELAYS[request.attempt - 1] * random.uniform(1.0, 1.2)
            again = replace(request, attempt=request.attempt + 1)
            await self._verdicts.later(again, now + timedelta(seconds=pause))
        else:
            await self._verdicts.refuse([Refused(request, await self._out_of_reach(request, failure))])

    async def _out_of_reach(self, request: ReceivedRequest, failure: RemoteUnavailable) -> Rejected:
        """Return what could not be had: the key, or a post that only matters once the key is known."""
        key_id = self._judge.read(request).key_id
        known = key_id in await self._keyring.find([key_id])
        return (PostUnreachable if known else KeyUnreachable)(f"{failure.reason}: {failure.detail}")
