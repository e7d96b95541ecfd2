"""From a request and a key to an activity that is its actor's own, or a refusal with its reason."""

import hashlib

from msgspec import Struct
from msgspec.structs import replace

from services.signature_verifier.authority import (
    ActorChanged,
    IdElsewhere,
    LocalActor,
    check_contents,
    check_signer,
)
from shared.database.keys import KnownKey
from shared.protocol.activities import Activity, Create, Delete, UpdateActor, UpdateNote
from shared.protocol.derived_ids import with_id
from shared.protocol.errors import Rejected
from shared.protocol.identifiers import same_origin
from shared.protocol.local_uris import LocalUris
from shared.protocol.messages import AcceptedActivity, ReceivedRequest
from shared.protocol.objects import Note
from shared.protocol.reader import read_activity
from shared.resolution.trust import trusted
from shared.signatures.dates import read_date
from shared.signatures.refused import Reason, Refused
from shared.signatures.request import ParsedSignature, SignedRequest
from shared.signatures.verify import parse, verify

_ANOTHER_KEY_MAY_FIT = frozenset(
    {
        Reason.SIGNATURE_INVALID,
        Reason.ALGORITHM_MISMATCH,
        Reason.KEY_MALFORMED,
        Reason.KEY_UNSUPPORTED,
        Reason.KEY_WEAK,
    }
)


class ActorGone(Rejected):
    """The actor is deleted or suspended here."""

    reason = "actor_gone"


class Claim(Struct, frozen=True):
    """A request whose signature has been read, and not yet believed; `key_id` is the key that it names."""

    request: ReceivedRequest
    signed: SignedRequest
    signature: ParsedSignature
    key_id: str

    @property
    def signed_at(self) -> float:
        """The Unix time that the signature covers, as the sender wrote it."""
        if self.signature.created is not None:
            return self.signature.created
        dates = (value for name, value in self.signed.headers if name == "date")
        return read_date(next(dates))


class Judge:
    """Judges requests; does no I/O.

    Args:
        uris: Who we are: what is signed for another host, or in our own name, is refused.
    """

    def __init__(self, uris: LocalUris) -> None:
        self._uris = uris

    def read(self, request: ReceivedRequest) -> Claim:
        """Return what a request claims; raises Rejected for what no key could make right."""
        if self._uris.is_local(request.actor):
            raise LocalActor(request.actor[:200])
        if request.activity_id and not same_origin(request.activity_id, request.actor):
            raise IdElsewhere(f"{request.activity_id[:200]} by {request.actor[:200]}")
        signed = SignedRequest(request.method, request.target, request.headers, request.body)
        signature = parse(signed)
        key_id = signature.key_id
        if self._uris.is_local(key_id):
            raise LocalActor(key_id[:200])
        return Claim(request, signed, signature, key_id)

    def prove(self, claim: Claim, key: KnownKey) -> Activity:
        """Return the activity if the key signed it; raises Rejected.

        Whether the signer may speak for the activity's actor is another question: `approve`.
        """
        self.check(claim, key)
        return self.parse(claim.request)

    def check(self, claim: Claim, key: KnownKey) -> None:
        """Return if the key signed the request and its owner is still there; raises Rejected."""
        verify(
            claim.signature,
            claim.signed,
            key,
            origin=self._uris.origin,
            now=claim.request.received_at,
        )
        if key.actor_gone:
            raise ActorGone(key.actor_uri[:200])

    def parse(self, request: ReceivedRequest) -> Activity:
        """Return the activity in the body, which is the one the receiver saw; raises Rejected."""
        activity = read_activity(request.body)
        if activity.actor != request.actor or activity.id != request.activity_id:
            raise ActorChanged(activity.id[:200])
        if isinstance(activity, UpdateActor):
            return replace(activity, profile=trusted(activity.profile))
        return activity

    def approve(
        self, claim: Claim, activity: Activity, signer: str, fetched: tuple[Note, ...] = ()
    ) -> AcceptedActivity:
        """Return what is passed on; raises Rejected where the signer may not say this."""
        check_signer(activity, signer)
        check_contents(activity)
        if not activity.id:
            activity = with_id(activity, claim.signed_at)
        return self.accepted(claim.request, activity, fetched)

    def accepted(
        self, request: ReceivedRequest, activity: Activity, fetched: tuple[Note, ...] = ()
    ) -> AcceptedActivity:
        """Return the message for the builder; the body goes along where it may have to be forwarded."""
        return AcceptedActivity(
            activity=activity,
            local=False,
            received_at=request.received_at,
            trace=request.trace,
            digest=hashlib.sha256(request.body).digest()[:16] if _reuses_ids(activity) else b"",
            body=request.body if self._may_be_passed_on(activity, request.body) else b"",
            fetched=fetched,
        )

    def _may_be_passed_on(self, activity: Activity, body: bytes) -> bool:
        match activity:
            case Create(note=note) | UpdateNote(note=note):
                return self._uris.is_local(note.in_reply_to or "")
            case Delete(object=uri):
                # Others believe a Delete that we pass on only with its author's proof.
                return uri != activity.actor and b'"proof"' in body
        return False


def _reuses_ids(activity: Activity) -> bool:
    return isinstance(activity, UpdateNote | UpdateActor) or not activity.id


def another_key_may_fit(refused: Refused) -> bool:
    """Tell whether a refusal may be due to a key that was replaced since we fetched it."""
    return refused.why in _ANOTHER_KEY_MAY_FIT
