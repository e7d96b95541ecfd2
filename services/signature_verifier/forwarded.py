"""What one server passes on for another: its author's proof in it, or the author's server, has the say."""

from msgspec.structs import replace

from services.signature_verifier.authority import SignerNotActor, check_contents
from services.signature_verifier.gate import Gate
from services.signature_verifier.judge import ActorGone, Judge
from services.signature_verifier.key_fetcher import KeyFetcher
from services.signature_verifier.keyring import Keyring
from shared.database.keys import KnownKey
from shared.protocol.activities import Activity, Create, UpdateNote
from shared.protocol.identifiers import host_of, same_origin
from shared.protocol.messages import AcceptedActivity, ReceivedRequest
from shared.protocol.objects import PublicKey
from shared.resolution import Resolver
from shared.signatures.proofs import Proof, read_proof, verify_proof


class ForwardedLane:
    """Judges activities that another than their actor signed, and that may be passed on at all.

    Args:
        judge: Makes the message for the builder.
        keyring: The keys that are known.
        keys: Fetches the others.
        resolver: Fetches posts.
        gate: Bounds what is under way to one host.
    """

    def __init__(
        self, *, judge: Judge, keyring: Keyring, keys: KeyFetcher, resolver: Resolver, gate: Gate
    ) -> None:
        self._judge = judge
        self._keyring = keyring
        self._keys = keys
        self._resolver = resolver
        self._gate = gate

    async def judge(self, request: ReceivedRequest, activity: Activity) -> AcceptedActivity:
        """Return what is passed on; raises Rejected, RemoteUnavailable.

        A proof decides (FEP-8b32): one that does not fit is refused, however true the rest may be. Without
        one that is understood here, the post is fetched from its author's server.
        """
        proof = read_proof(request.body)
        if proof is not None:
            return await self._proven(request, activity, proof)
        if isinstance(activity, Create | UpdateNote):
            return await self._refetched(request, activity)
        raise SignerNotActor(f"passed on without a proof, by {activity.actor[:200]}")

    async def _proven(self, request: ReceivedRequest, activity: Activity, proof: Proof) -> AcceptedActivity:
        if not same_origin(proof.key_id, activity.actor):
            raise SignerNotActor(f"proven by {proof.key_id[:200]}, by {activity.actor[:200]}")
        key = await self._key(proof.key_id)
        if key.actor_uri != activity.actor:
            raise SignerNotActor(f"proven by {key.actor_uri[:200]}, by {activity.actor[:200]}")
        public = PublicKey(id=key.id, owner=key.actor_uri, algorithm=key.algorithm, der=key.der)
        verify_proof(proof, public, now=request.received_at)
        if key.actor_gone:
            raise ActorGone(key.actor_uri[:200])
        check_contents(activity)
        # Who passes it on may change what the proof leaves out, and it stays the same activity.
        return replace(self._judge.accepted(request, activity), digest=proof.digest[:16])

    async def _key(self, key_id: str) -> KnownKey:
        known = (await self._keyring.find([key_id])).get(key_id)
        return known if known is not None else await self._keys.fetch(key_id)

    async def _refetched(self, request: ReceivedRequest, activity: Create | UpdateNote) -> AcceptedActivity:
        """Return the post as the author's own server has it.

        Nothing of the activity counts, its id least of all: under the real one's id it would be in the way
        of the real one.
        """
        async with self._gate.enter(host_of(activity.note.id)):
            note = await self._resolver.note(activity.note.id)
        at = note.updated or note.published or request.received_at
        marked = f"{note.id}#forwarded-{at.timestamp():.0f}"
        proven = type(activity)(id=marked, actor=activity.actor, to=note.to, cc=note.cc, note=note)
        check_contents(proven)
        # Without the body: it is not what was proven, and must not be passed on in our name.
        return replace(self._judge.accepted(request, proven), body=b"")
