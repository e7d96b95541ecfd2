"""Integrity proofs inside a document: FEP-8b32 with the cryptosuite `eddsa-jcs-2022`.

A proof says that a document is its actor's own, whoever brought it.
"""

from datetime import UTC, datetime
from hashlib import sha256

import msgspec
import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from shared.protocol.identifiers import MAX_URI_LENGTH, origin_of
from shared.protocol.objects import PublicKey
from shared.protocol.wire import decode
from shared.signatures.keys import load_public
from shared.signatures.multikey import decode_base58btc, encode_base58btc
from shared.signatures.refused import Reason, Refused

SUITE = "eddsa-jcs-2022"
TYPE = "DataIntegrityProof"
CONTEXT = "https://w3id.org/security/data-integrity/v1"

PAST = 7 * 86400
"""Seconds that a proof may be older than its arrival: shorter than the ids of activities are remembered, so
that nobody can have an old one take effect again."""

FUTURE = 3600
"""Seconds that a clock may be ahead."""

MAX_DOCUMENT = 128 * 1024
"""Bytes of a document whose proof is looked at: bringing it into canonical form costs about 50 ns a byte."""

_MAX_MOMENT = 64
# Fedify adds its LD signature after the proof, which therefore does not cover it; nothing here reads it.
_NOT_COVERED = frozenset({"proof", "signature"})


class Proof(Struct, frozen=True):
    """What a proof claims; nothing of it is proven yet.

    `digest` is the SHA-256 of the document in canonical form, `message` what was signed. `created` and
    `expires` are Unix seconds.
    """

    key_id: str
    signature: bytes
    message: bytes
    digest: bytes
    created: float
    expires: float | None


def read_proof(document: bytes) -> Proof | None:
    """Return the proof in a document; None where there is none that is understood here.

    Raises:
        Refused: There is one, and it is not well formed.
        Malformed: The document is no JSON object.
    """
    if b'"proof"' not in document or len(document) > MAX_DOCUMENT:
        return None
    wire = decode(document)
    found = wire.get("proof")
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if not isinstance(found, dict) or (found.get("type"), found.get("cryptosuite")) != (TYPE, SUITE):
        return None
    return _read(found, {name: value for name, value in wire.items() if name not in _NOT_COVERED})


def _read(found: dict[str, object], covered: dict[str, object]) -> Proof:
    key_id, value = found.get("verificationMethod"), found.get("proofValue")
    if not isinstance(key_id, str) or len(key_id) > MAX_URI_LENGTH or not origin_of(key_id):
        raise Refused(Reason.PROOF_MALFORMED, "no verificationMethod")
    if not isinstance(value, str) or found.get("proofPurpose") != "assertionMethod":
        raise Refused(Reason.PROOF_MALFORMED, "no proofValue, or for another purpose")
    _check_context(found, covered)
    options = {name: part for name, part in found.items() if name != "proofValue"}
    digest = sha256(_canonical(covered)).digest()
    created = _moment(found.get("created"))
    if created is None:
        raise Refused(Reason.PROOF_MALFORMED, "no created")
    return Proof(
        key_id=key_id,
        signature=_signature(value),
        message=sha256(_canonical(options)).digest() + digest,
        digest=digest,
        created=created,
        expires=_moment(found.get("expires")),
    )


def _check_context(found: dict[str, object], covered: dict[str, object]) -> None:
    # vc-di-eddsa 3.3.2: the context of the proof is what the document's begins with.
    if "@context" not in found:
        return
    stated, outer = _listed(found["@context"]), _listed(covered.get("@context"))
    if outer[: len(stated)] != stated:
        raise Refused(Reason.PROOF_MALFORMED, "the proof has another context")


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _canonical(value: dict[str, object]) -> bytes:
    try:
        return rfc8785.dumps(value)  # type: ignore[arg-type]  # what a JSON decoder returns
    except rfc8785.CanonicalizationError as error:
        raise Refused(Reason.PROOF_MALFORMED, str(error)[:200]) from None


def _signature(value: str) -> bytes:
    try:
        return decode_base58btc(value)
    except Refused:
        raise Refused(Reason.PROOF_MALFORMED, "the proofValue is not base58btc") from None


def _moment(value: object) -> float | None:
    if value is None:
        return None
    try:
        moment = (
            datetime.fromisoformat(value) if isinstance(value, str) and len(value) < _MAX_MOMENT else None
        )
        if moment is None or moment.tzinfo is None:
            raise Refused(Reason.PROOF_MALFORMED, "a moment without a time zone")
        return moment.timestamp()
    except (ValueError, OverflowError):
        raise Refused(Reason.PROOF_MALFORMED, "a moment that is none") from None


def verify_proof(proof: Proof, key: PublicKey, *, now: datetime) -> None:
    """Return only if the document was signed with the key; raises Refused.

    Args:
        proof: What `read_proof` returned.
        key: The key that `proof.key_id` names. Whose it is, is for the caller to find out.
        now: When the document was received.
    """
    moment = now.timestamp()
    expired = proof.expires is not None and proof.expires < moment
    if expired or not moment - PAST <= proof.created <= moment + FUTURE:
        raise Refused(Reason.PROOF_OUT_OF_WINDOW)
    public = load_public(key.algorithm, key.der)
    if not isinstance(public, Ed25519PublicKey):
        raise Refused(Reason.ALGORITHM_MISMATCH, "a proof takes an Ed25519 key")
    try:
        public.verify(proof.signature, proof.message)
    except InvalidSignature:
        raise Refused(Reason.PROOF_INVALID) from None


def add_proof(document: bytes, *, key_id: str, private_key: Ed25519PrivateKey, created: datetime) -> bytes:
    """Return a document of ours with a proof; the same again for the same moment.

    Args:
        document: A JSON object with a context and without a proof.
        key_id: The URI of the public key, listed in the `assertionMethod` of its actor.
        private_key: The key.
        created: Aware.
    """
    wire = decode(document)
    wire["@context"] = _with_terms(wire.get("@context"))
    options: dict[str, object] = {
        "type": TYPE,
        "cryptosuite": SUITE,
        "created": created.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "verificationMethod": key_id,
        "proofPurpose": "assertionMethod",
    }
    message = sha256(_canonical(options)).digest() + sha256(_canonical(wire)).digest()
    wire["proof"] = {**options, "proofValue": encode_base58btc(private_key.sign(message))}
    return msgspec.json.encode(wire)


def _with_terms(context: object) -> list[object]:
    first, *rest = _listed(context)
    return [first, CONTEXT, *rest]
