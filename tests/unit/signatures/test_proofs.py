"""Integrity proofs: FEP-8b32 with `eddsa-jcs-2022`."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.protocol.objects import PublicKey
from shared.protocol.reader import read_actor
from shared.signatures.keys import ED25519, der_of, generate_rsa
from shared.signatures.multikey import decode_base58btc, decode_multikey, encode_base58btc
from shared.signatures.proofs import CONTEXT, FUTURE, PAST, add_proof, read_proof, verify_proof
from shared.signatures.refused import Reason, Refused
from tests.payloads.captured import Captured, captured_requests, document

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
KEY_ID = "https://birch.example/users/nora#ed25519-key"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = PublicKey(
    id=KEY_ID, owner="https://birch.example/users/nora", algorithm=ED25519, der=der_of(PRIVATE.public_key())
)
PLAIN = {
    "@context": "https://www.w3.org/ns/activitystreams",
    "id": "https://birch.example/activities/1",
    "type": "Delete",
    "actor": "https://birch.example/users/nora",
    "object": "https://birch.example/notes/1",
}

# The key pair, the moment and both documents are those of the published vectors.
SPECIFICATION_KEY = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
SPECIFICATION_SECRET = "z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq"
SPECIFICATION_TIME = datetime(2023, 2, 24, 23, 36, 38, tzinfo=UTC)
FEP_8B32 = {
    "@context": ["https://www.w3.org/ns/activitystreams", CONTEXT],
    "type": "Create",
    "actor": "https://server.example/users/alice",
    "object": {"type": "Note", "content": "Hello world"},
    "proof": {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "verificationMethod": "https://server.example/users/alice#ed25519-key",
        "proofPurpose": "assertionMethod",
        "proofValue": "z3sXaxjKs4M3BRicwWA9peyNPJvJqxtGsDmpt1jjoHCjgeUf71TRFz56"
        "osPSfDErszyLp5Ks1EhYSgpDaNM977Rg2",
        "created": "2023-02-24T23:36:38Z",
    },
}
_CREDENTIAL_CONTEXT = [
    "https://www.w3.org/ns/credentials/v2",
    "https://www.w3.org/ns/credentials/examples/v2",
]
VC_DI_EDDSA = {
    "@context": _CREDENTIAL_CONTEXT,
    "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
    "type": ["VerifiableCredential", "AlumniCredential"],
    "name": "Alumni Credential",
    "description": "A minimum viable example of an Alumni Credential.",
    "issuer": "https://vc.example/issuers/5678",
    "validFrom": "2023-01-01T00:00:00Z",
    "credentialSubject": {"id": "did:example:abcdefgh", "alumniOf": "The School of Examples"},
    "proof": {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "created": "2023-02-24T23:36:38Z",
        "verificationMethod": f"https://vc.example/issuers/5678#{SPECIFICATION_KEY}",
        "proofPurpose": "assertionMethod",
        "@context": _CREDENTIAL_CONTEXT,
        "proofValue": "z63t83Y53KfzJ5ZosfKTnqfMcKB2dmTrfjSaQjeNNjAD5srBowQfmWqe"
        "Rb8rRjmeEuCBEsddF9LsVogtuTsijJKh4",
    },
}


def key_of(multibase: str) -> PublicKey:
    """Return the public key of a Multikey."""
    algorithm, der = decode_multikey(multibase)
    return PublicKey(id=KEY_ID, owner="", algorithm=algorithm, der=der)


def reason_of(body: bytes, key: PublicKey = KEY, now: datetime = NOW) -> str:
    """Return why a proof is refused; empty where it is not."""
    try:
        proof = read_proof(body)
        assert proof is not None
        verify_proof(proof, key, now=now)
    except Refused as refused:
        return refused.reason
    return ""


def proven(**options: object) -> bytes:
    """Return a document with a proof that is right; `options` replace parts of the proof before signing."""
    wire: dict[str, object] = dict(PLAIN)
    parts = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "created": NOW.isoformat(),
        "verificationMethod": KEY_ID,
        "proofPurpose": "assertionMethod",
    } | options
    return json.dumps(wire | {"proof": signed(wire, parts)}).encode()


def signed(wire: dict[str, object], parts: dict[str, object]) -> dict[str, object]:
    """Return a proof of a document, made apart from the code under test."""
    message = sha256(rfc8785.dumps(parts)).digest() + sha256(rfc8785.dumps(wire)).digest()  # type: ignore[arg-type]  # JSON
    return parts | {"proofValue": encode_base58btc(PRIVATE.sign(message))}


@pytest.mark.parametrize("vector", [FEP_8B32, VC_DI_EDDSA], ids=["FEP-8b32", "vc-di-eddsa"])
def test_the_published_vectors_verify(vector: dict[str, object]) -> None:
    """The proofs printed in both specifications count, at their time."""
    printed = json.dumps(vector).encode()
    assert reason_of(printed, key_of(SPECIFICATION_KEY), SPECIFICATION_TIME) == ""
    changed = json.dumps(vector | {"type": "Something else"}).encode()
    assert reason_of(changed, key_of(SPECIFICATION_KEY), SPECIFICATION_TIME) == "proof_invalid"


def test_the_published_vector_is_what_we_make() -> None:
    """With the key and the moment of FEP-8b32's vector, our proof is the one that it prints."""
    private = Ed25519PrivateKey.from_private_bytes(decode_base58btc(SPECIFICATION_SECRET)[2:])
    plain = {name: value for name, value in FEP_8B32.items() if name != "proof"}
    plain["@context"] = "https://www.w3.org/ns/activitystreams"
    made = add_proof(
        json.dumps(plain).encode(),
        key_id="https://server.example/users/alice#ed25519-key",
        private_key=private,
        created=SPECIFICATION_TIME,
    )
    assert json.loads(made) == FEP_8B32


@pytest.mark.parametrize("captured", [one for one in captured_requests() if one.server == "fedify"])
def test_what_fedify_sends_verifies(captured: Captured) -> None:
    """The proofs of activities that Fedify sent count by the key that its actor lists for them."""
    proof = read_proof(captured.request.body)
    assert proof is not None
    keys = {key.id: key for key in read_actor(document("fedify", "actor-alice")).keys}
    verify_proof(proof, keys[proof.key_id], now=captured.received_at)


def test_our_proof_counts_and_repeats() -> None:
    """What we prove can be verified, and proving it again gives the same bytes."""
    body = json.dumps(PLAIN | {"ratio": 1.0, "größe": "ü\u20ac"}).encode()
    made = [add_proof(body, key_id=KEY_ID, private_key=PRIVATE, created=NOW) for _ in range(2)]
    assert made[0] == made[1]
    assert reason_of(made[0]) == ""


@pytest.mark.parametrize(
    "change", [{"object": "https://birch.example/notes/2"}, {"extra": 1}, {"actor": "x"}]
)
def test_a_changed_document_is_refused(change: dict[str, object]) -> None:
    """Nothing can be changed in, or added to, what a proof covers."""
    wire = json.loads(proven())
    assert reason_of(json.dumps(wire | change).encode()) == "proof_invalid"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"proofPurpose": "authentication"}, Reason.PROOF_MALFORMED),
        ({"created": "yesterday"}, Reason.PROOF_MALFORMED),
        ({"created": "2026-05-01T12:00:00"}, Reason.PROOF_MALFORMED),
        ({"created": None}, Reason.PROOF_MALFORMED),
        ({"created": 17}, Reason.PROOF_MALFORMED),
        ({"created": "9999-12-31T23:59:59-23:59"}, Reason.PROOF_OUT_OF_WINDOW),
        ({"verificationMethod": "did:key:z6Mk"}, Reason.PROOF_MALFORMED),
        ({"verificationMethod": ["a"]}, Reason.PROOF_MALFORMED),
        ({"@context": "https://evil.example/context"}, Reason.PROOF_MALFORMED),
        ({"nonce": 2**60}, Reason.PROOF_MALFORMED),
        ({"created": (NOW - timedelta(seconds=PAST + 1)).isoformat()}, Reason.PROOF_OUT_OF_WINDOW),
        ({"created": (NOW + timedelta(seconds=FUTURE + 1)).isoformat()}, Reason.PROOF_OUT_OF_WINDOW),
        ({"expires": (NOW - timedelta(seconds=1)).isoformat()}, Reason.PROOF_OUT_OF_WINDOW),
    ],
)
def test_a_proof_of_bad_form_is_refused(options: dict[str, object], reason: Reason) -> None:
    """A proof that is out of date, for another purpose or without a usable key id proves nothing."""
    try:
        body = proven(**options)
    except rfc8785.CanonicalizationError:
        body = json.dumps(PLAIN | {"proof": json.loads(proven())["proof"] | options}).encode()
    assert reason_of(body) == reason


@pytest.mark.parametrize("value", ["", "z", "z0OIl", "m" + "A" * 86, "z" + "1" * 64, "z" * 5000, 17])
def test_a_broken_proof_value_is_refused(value: object) -> None:
    """A proof value that is no Ed25519 signature is refused, not an error."""
    wire = json.loads(proven())
    wire["proof"]["proofValue"] = value
    assert reason_of(json.dumps(wire).encode()) in {"proof_malformed", "proof_invalid"}


def test_a_signature_beyond_the_order_is_refused() -> None:
    """An Ed25519 signature whose S is not below the group's order is another spelling, and refused."""
    wire = json.loads(proven())
    raw = decode_base58btc(wire["proof"]["proofValue"])
    order = 2**252 + 27742317777372353535851937790883648493
    scalar = int.from_bytes(raw[32:], "little") + order
    wire["proof"]["proofValue"] = encode_base58btc(raw[:32] + scalar.to_bytes(32, "little"))
    assert reason_of(json.dumps(wire).encode()) == "proof_invalid"


def test_an_rsa_key_proves_nothing() -> None:
    """The suite is for Ed25519: a key of another kind under the same id is refused."""
    key = PublicKey(id=KEY_ID, owner="", algorithm="rsa", der=generate_rsa().public)
    assert reason_of(proven(), key) == "algorithm_mismatch"


@pytest.mark.parametrize(
    "wire",
    [
        PLAIN,
        PLAIN | {"proof": "https://birch.example/proofs/1"},
        PLAIN | {"proof": {"type": "DataIntegrityProof", "cryptosuite": "eddsa-rdfc-2022"}},
        PLAIN | {"proof": {"type": "Ed25519Signature2020"}},
        PLAIN | {"proof": [{"type": "DataIntegrityProof", "cryptosuite": "eddsa-jcs-2022"}] * 2},
    ],
)
def test_what_is_not_understood_is_no_proof(wire: dict[str, object]) -> None:
    """A proof of another suite, or several, is as good as none."""
    assert read_proof(json.dumps(wire).encode()) is None
