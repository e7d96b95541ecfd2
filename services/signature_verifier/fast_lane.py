"""The handler of `inbox.received`: a batch at a time, and never a request to another server."""

from collections.abc import Sequence

from services.signature_verifier.authority import SignerNotActor, may_be_forwarded
from services.signature_verifier.capabilities import Capabilities
from services.signature_verifier.followers import Comparison
from services.signature_verifier.judge import Claim, Judge, another_key_may_fit
from services.signature_verifier.keyring import Keyring, Refetches
from services.signature_verifier.quotes import quoting
from services.signature_verifier.verdicts import Refused, Verdicts
from shared.database import actors, statuses
from shared.database.keys import KnownKey
from shared.database.pool import Pool, unavailable_when_down
from shared.protocol.activities import Activity, Add, Announce, Delete, Move
from shared.protocol.errors import Rejected
from shared.protocol.identifiers import host_of, same_origin
from shared.protocol.local_uris import LocalUris
from shared.protocol.messages import AcceptedActivity, ReceivedRequest
from shared.resolution import DomainBlocks
from shared.resolution.errors import DomainBlocked
from shared.signatures.refused import Refused as SignatureRefused
from shared.signatures.request import ParsedSignature


class UnknownActorGone(Rejected):
    """An actor of whom nothing is known here has been deleted: there is nothing to do."""

    reason = "unknown_actor_gone"


class FastLane:
    """Judges what can be judged with what is known; the rest goes to the slow lane.

    Args:
        pool: The database.
        judge: Judges one request.
        keyring: The keys that are known.
        refetches: Which keys have been fetched again lately.
        blocks: Suspended domains.
        verdicts: Carries the verdicts out.
        uris: What is local.
    """

    def __init__(
        self,
        *,
        pool: Pool,
        judge: Judge,
        keyring: Keyring,
        refetches: Refetches,
        blocks: DomainBlocks,
        verdicts: Verdicts,
        uris: LocalUris,
    ) -> None:
        self._pool = pool
        self._judge = judge
        self._keyring = keyring
        self._refetches = refetches
        self._blocks = blocks
        self._verdicts = verdicts
        self._uris = uris
        self._comparison = Comparison(pool)
        self._capabilities = Capabilities(pool)

    async def judge(self, items: Sequence[ReceivedRequest]) -> None:
        """Return when every request is passed on, in the slow lane, or refused; raises Unavailable."""
        await self._blocks.refresh()
        batch = _Batch()
        claims = [claim for item in items if (claim := self._read(item, batch)) is not None]
        keys = await self._keyring.find({claim.key_id for claim in claims})
        # All signatures first, then all contents: the two by turns cost half as much again, for each drives
        # the other's code and data out of the processor's caches.
        signed = [claim for claim in claims if self._is_signed(claim, keys.get(claim.key_id), batch)]
        for claim in signed:
            self._decide(claim, keys[claim.key_id], batch)
        await self._decide_by_the_store(batch)
        await self._set_aside_unknown_posts(batch)
        await self._drop_unknown_deleted(batch)
        await self._verdicts.accept([accepted for _, accepted in batch.accepted])
        await self._comparison.look_at(batch.accepted)
        await self._capabilities.note(batch.proven)
        await self._verdicts.unresolved(batch.unresolved)
        await self._verdicts.refuse(batch.refused)

    def _read(self, request: ReceivedRequest, batch: "_Batch") -> Claim | None:
        try:
            claim = self._judge.read(request)
            for uri in (request.actor, claim.key_id):
                self._check_blocked(host_of(uri), batch)
        except Rejected as cause:
            batch.refused.append(Refused(request, cause))
            return None
        return claim

    def _check_blocked(self, host: str, batch: "_Batch") -> None:
        # The list is refreshed between batches only, so one look at a host holds for all of its batch.
        if host in batch.unblocked:
            return
        if host in self._blocks:
            raise DomainBlocked(host)
        batch.unblocked.add(host)

    def _is_signed(self, claim: Claim, key: KnownKey | None, batch: "_Batch") -> bool:
        if key is None:
            batch.keyless.append(claim)
            return False
        try:
            self._judge.check(claim, key)
        except SignatureRefused as cause:
            if not another_key_may_fit(cause):
                batch.refused.append(Refused(claim.request, cause))
            elif self._refetches.is_open(claim.key_id):
                batch.unresolved.append(claim.request)
            else:
                batch.unfitting.append((claim, key, Refused(claim.request, cause)))
        except Rejected as cause:
            self._refuse(claim, cause, batch)
        else:
            return True
        return False

    def _decide(self, claim: Claim, key: KnownKey, batch: "_Batch") -> None:
        try:
            activity = self._judge.parse(claim.request)
            accepted = self._judge.approve(claim, activity, key.actor_uri)
        except Rejected as cause:
            self._refuse(claim, cause, batch)
        else:
            batch.proven.append((claim.signature, key))
            batch.accepted.append((claim.request, accepted))

    def _refuse(self, claim: Claim, cause: Rejected, batch: "_Batch") -> None:
        if isinstance(cause, SignerNotActor) and may_be_forwarded(self._judge.parse(claim.request)):
            batch.unresolved.append(claim.request)
        else:
            batch.refused.append(Refused(claim.request, cause))

    async def _decide_by_the_store(self, batch: "_Batch") -> None:
        """Judge anew what does not fit a key that was fetched again a moment ago.

        The key may be from before that, or another process has stored its successor since.
        """
        if not batch.unfitting:
            return
        stored = await self._keyring.read({claim.key_id for claim, _, _ in batch.unfitting})
        for claim, tried, refused in batch.unfitting:
            newer = stored.get(claim.key_id)
            if newer is None or newer.der == tried.der:
                batch.refused.append(refused)
                continue
            try:
                self._judge.check(claim, newer)
            except Rejected as cause:
                self._refuse(claim, cause, batch)
            else:
                self._decide(claim, newer, batch)

    async def _set_aside_unknown_posts(self, batch: "_Batch") -> None:
        """Have unknown posts fetched that are shared or pinned, both ends of those who move, and stamps."""
        judged, batch.accepted = batch.accepted, []
        for request, one in judged:
            if self._has_to_ask(one.activity):
                batch.unresolved.append(request)
            else:
                batch.accepted.append((request, one))
        shared = {uri for _, one in batch.accepted if (uri := self._shared(one.activity))}
        if not shared:
            return
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                known = await statuses.by_uris(conn, list(shared))
        missing = shared - known.keys()
        batch.unresolved += [
            request for request, one in batch.accepted if self._shared(one.activity) in missing
        ]
        batch.accepted = [pair for pair in batch.accepted if self._shared(pair[1].activity) not in missing]

    def _has_to_ask(self, activity: Activity) -> bool:
        if isinstance(activity, Announce) and activity.also:
            return True
        return isinstance(activity, Move) or quoting(activity, self._uris) is not None

    def _shared(self, activity: Activity) -> str | None:
        match activity:
            case Announce(object=uri) if not self._uris.is_local(uri):
                return uri
            case Add(object=uri) if same_origin(uri, activity.actor):
                return uri
        return None

    async def _drop_unknown_deleted(self, batch: "_Batch") -> None:
        """Drop the deletion of actors whom nobody here knows: servers tell it to all they ever met."""
        deletions = {claim.request.actor for claim in batch.keyless if self._is_farewell(claim.request)}
        if deletions:
            with unavailable_when_down():
                async with self._pool.acquire() as conn:
                    deletions -= (await actors.by_uris(conn, list(deletions))).keys()
        for claim in batch.keyless:
            if claim.request.actor in deletions and self._is_farewell(claim.request):
                batch.refused.append(Refused(claim.request, UnknownActorGone(claim.request.actor[:200])))
            else:
                batch.unresolved.append(claim.request)

    def _is_farewell(self, request: ReceivedRequest) -> bool:
        if request.activity_type != "Delete":
            return False
        try:
            activity = self._judge.parse(request)
        except Rejected:
            return False
        return isinstance(activity, Delete) and activity.object == activity.actor


class _Batch:
    """The verdicts on a batch, as they come together."""

    def __init__(self) -> None:
        self.accepted: list[tuple[ReceivedRequest, AcceptedActivity]] = []
        self.proven: list[tuple[ParsedSignature, KnownKey]] = []
        self.unresolved: list[ReceivedRequest] = []
        self.keyless: list[Claim] = []
        self.refused: list[Refused] = []
        self.unblocked: set[str] = set()
        self.unfitting: list[tuple[Claim, KnownKey, Refused]] = []
