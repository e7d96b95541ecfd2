"""Hostile documents: whatever the bytes, the reader answers with a value or with Malformed."""

import contextlib
import json
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.protocol import reader
from shared.protocol.envelope import peek
from shared.protocol.errors import Malformed, Rejected
from shared.protocol.messages import AcceptedActivity, Codec
from shared.protocol.reader import read_activity
from shared.signatures.proofs import read_proof
from tests.builders import parsed
from tests.unit.protocol.payloads import payload, written

_READERS: list[Callable[[bytes], object]] = [
    peek,
    *(getattr(reader, name) for name in reader.__all__ if name.startswith("read_")),
]
"""All of them: what is added to the reader is tried here without being named."""

_WORDS = """
    id type actor object target to cc tag attachment content contentMap name summary url href icon image
    publicKey owner publicKeyPem endpoints sharedInbox attributedTo inReplyTo published updated oneOf
    replies totalItems endTime preferredUsername inbox webfinger links rel subject software language
    mediaType focalPoint width blurhash sensitive alsoKnownAs assertionMethod publicKeyMultibase value
    interactionPolicy canQuote automaticApproval manualApproval quote quoteUrl items orderedItems first next
    interactingObject interactionTarget instrument result context implements generator startTime location
"""
_KINDS = "Create Update Note Question Page Person Undo Accept Follow Delete Flag Add Announce Like Video"
_NAMES, _TYPES = _WORDS.split(), _KINDS.split()
_PROOF_NAMES = [
    "verificationMethod",
    "proofValue",
    "proofPurpose",
    "created",
    "expires",
    "@context",
    "challenge",
]
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from([*_TYPES, "Image", "Mention", "Hashtag", "Emoji", "Link", "PropertyValue", "self"]),
    st.sampled_from(["https://remote.example/users/edith", "as:Public", "https://", "javascript:x", "-1"]),
)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(_NAMES), inner, max_size=6)
    ),
    max_leaves=25,
)
_DOCUMENTS = st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=12)
_calm = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@_calm
@given(st.sampled_from(_READERS), st.binary(max_size=200))
def test_any_bytes_are_read_or_malformed(read: Callable[[bytes], object], body: bytes) -> None:
    """Random bytes raise nothing but Malformed."""
    _read(read, body)


@_calm
@given(st.sampled_from(_READERS), _DOCUMENTS, st.sampled_from(_TYPES))
def test_any_json_is_read_or_malformed(
    read: Callable[[bytes], object], document: dict[str, object], kind: str
) -> None:
    """Known names with values of every shape raise nothing but Malformed."""
    ids = {"id": "https://remote.example/1", "actor": "https://remote.example/users/edith", "type": kind}
    _read(read, json.dumps(document).encode())
    _read(read, json.dumps({**document, **ids}).encode())


@_calm
@given(st.data())
def test_any_damage_to_a_real_document_is_read_or_malformed(data: st.DataObject) -> None:
    """A real payload in which one value was replaced is read or malformed."""
    names = written(documents=False) + written(documents=True)
    document = json.loads(payload(data.draw(st.sampled_from(names))))
    place, key = data.draw(st.sampled_from(_places(document)))
    place[key] = data.draw(_VALUES)
    for read in _READERS:
        _read(read, json.dumps(document).encode())


@settings(_calm, max_examples=100)
@given(st.dictionaries(st.sampled_from(_PROOF_NAMES), _LEAVES), st.dictionaries(st.text(max_size=5), _LEAVES))
def test_any_proof_is_read_or_refused(proof: dict[str, object], document: dict[str, object]) -> None:
    """A proof of any shape, in any document, raises nothing but a refusal."""
    kind = {"type": "DataIntegrityProof", "cryptosuite": "eddsa-jcs-2022"}
    for one in (proof, proof | kind, [proof | kind]):
        with contextlib.suppress(Rejected):
            read_proof(json.dumps(document | {"proof": one}).encode())


@pytest.mark.parametrize("name", written(documents=False))
def test_what_was_read_fits_into_a_message(name: str) -> None:
    """Every activity that is read can be sent through the queue and comes out the same."""
    codec = Codec(AcceptedActivity)
    item = parsed.accepted(read_activity(payload(name)))
    assert codec.decode(codec.encode([item])) == [item]


def _read(read: Callable[[bytes], object], body: bytes) -> None:
    try:
        value = read(body)
    except Malformed as error:
        assert error.reason  # noqa: PT017 - either outcome is right, only its form is checked
    else:
        assert value is not None


def _places(node: object) -> list[tuple[dict[str, object], str]]:
    if isinstance(node, list):
        return [place for entry in node for place in _places(entry)]
    if not isinstance(node, dict):
        return []
    own = [(node, key) for key in node if key != "@context"]
    return own + [place for key, value in node.items() if key != "@context" for place in _places(value)]
