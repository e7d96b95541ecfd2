"""The published vectors of both specifications."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from shared.signatures import cavage, rfc9421
from shared.signatures.digest import check_digest
from shared.signatures.keys import load_public, pem_to_der
from shared.signatures.refused import Reason, Refused
from shared.signatures.request import SignedRequest
from shared.signatures.verify import read_signature
from tests.unit.signatures import vectors


def _fits(pem: str, signature: bytes, message: bytes) -> bool:
    key = load_pem_public_key(pem.encode())
    try:
        if isinstance(key, RSAPublicKey):
            key.verify(signature, message, PKCS1v15(), SHA256())
        elif isinstance(key, Ed25519PublicKey):
            key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize(
    ("covered", "signature"),
    [
        pytest.param("date", vectors.CAVAGE_DEFAULT, id="C.1"),
        pytest.param("(request-target) host date", vectors.CAVAGE_BASIC, id="C.2"),
        # The draft lists (created) and (expires) here too, but its signature was made without them.
        pytest.param(
            "(request-target) host date content-type digest content-length", vectors.CAVAGE_ALL, id="C.3"
        ),
    ],
)
def test_the_signing_string_of_cavage_is_that_of_the_draft(covered: str, signature: str) -> None:
    """The signatures of draft-cavage-12, appendix C, fit the string that is rebuilt."""
    header = f'keyId="Test",algorithm="rsa-sha256",headers="{covered}",signature="{signature}"'
    request = vectors.cavage_request(header)
    parsed = read_signature(request.headers)
    message = cavage.signing_string(request.method, request.target, parsed)
    assert _fits(vectors.CAVAGE_KEY, parsed.signature, message)
    assert not _fits(vectors.CAVAGE_KEY, parsed.signature, message + b" ")


def test_the_key_of_the_draft_is_too_weak_today() -> None:
    """A key of 1,024 bits is refused, even the draft's own."""
    with pytest.raises(Refused) as refused:
        pem_to_der(vectors.CAVAGE_KEY)
    assert refused.value.why is Reason.KEY_WEAK


def test_the_default_of_cavage_is_created_alone() -> None:
    """Without a list of headers only (created) is signed, as the draft says."""
    request = vectors.cavage_request(f'keyId="Test",signature="{vectors.CAVAGE_DEFAULT}"')
    assert read_signature(request.headers).covered == ("(created)",)


@pytest.mark.parametrize(
    ("request_", "origin", "pem"),
    [
        pytest.param(
            vectors.ED25519_REQUEST, "https://example.com", vectors.RFC9421_ED25519_KEY, id="B.2.6 ed25519"
        ),
        pytest.param(
            vectors.RSA_REQUEST,
            "https://origin.host.internal.example",
            vectors.RFC9421_RSA_KEY,
            id="4.3 rsa-v1_5-sha256",
        ),
    ],
)
def test_the_signature_base_is_that_of_rfc_9421(request_: SignedRequest, origin: str, pem: str) -> None:
    """The signatures of RFC 9421, with keys that its appendix B gives, fit the base that is rebuilt."""
    parsed = read_signature(request_.headers)
    base = rfc9421.signature_base(request_.method, request_.target, origin, parsed)
    algorithm, der = pem_to_der(pem)
    load_public(algorithm, der)
    assert _fits(pem, parsed.signature, base)
    other = rfc9421.signature_base("PUT", request_.target, origin, parsed)
    assert not _fits(pem, parsed.signature, other)


@pytest.mark.parametrize("request_", [vectors.ED25519_REQUEST, vectors.RSA_REQUEST])
def test_the_content_digest_of_rfc_9421_fits_its_body(request_: SignedRequest) -> None:
    """The SHA-512 digest of the example message is taken, and no other body passes for it."""
    fields = read_signature(request_.headers).fields
    check_digest(fields, "POST", request_.body)
    with pytest.raises(Refused) as refused:
        check_digest(fields, "POST", request_.body + b"\n")
    assert refused.value.why is Reason.DIGEST_MISMATCH


def test_the_digest_of_the_draft_fits_its_body() -> None:
    """The SHA-256 digest of draft-cavage-12, appendix C, is taken."""
    request = vectors.cavage_request(f'keyId="Test",signature="{vectors.CAVAGE_DEFAULT}"')
    check_digest(read_signature(request.headers).fields, "POST", request.body)


def test_derived_components_are_those_of_rfc_9421() -> None:
    """Each derived component of section 2.2 has the value that the RFC's examples give it."""
    names = ("@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query")
    covered = " ".join(f'"{name}"' for name in names)
    headers = (("signature-input", f's=({covered});keyid="k"'), ("signature", "s=:AA==:"))
    base = rfc9421.signature_base(
        "POST", "/path?param=value", "https://www.Example.com:443", read_signature(headers)
    )
    assert base.decode().splitlines()[:-1] == [
        '"@method": POST',
        '"@target-uri": https://www.Example.com:443/path?param=value',
        '"@authority": www.example.com',
        '"@scheme": https',
        '"@request-target": /path?param=value',
        '"@path": /path',
        '"@query": ?param=value',
    ]
