"""How a foreign server signs and checks: written apart from Heddle's own code, so that both have to agree."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

PrivateKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ed25519.Ed25519PublicKey


@lru_cache(maxsize=256)
def rsa_key(name: str) -> rsa.RSAPrivateKey:  # noqa: ARG001 - one key per name and process
    """Return the RSA key of this name."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@lru_cache(maxsize=256)
def ed25519_key(name: str) -> ed25519.Ed25519PrivateKey:  # noqa: ARG001 - one key per name and process
    """Return the Ed25519 key of this name."""
    return ed25519.Ed25519PrivateKey.generate()


def pem(key: PrivateKey) -> str:
    """Return the public half as PEM."""
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def multibase(key: ed25519.Ed25519PrivateKey) -> str:
    """Return the public half as `publicKeyMultibase`."""
    return "z" + _base58(b"\xed\x01" + key.public_key().public_bytes_raw())


def with_proof(
    document: Mapping[str, object], key_id: str, key: ed25519.Ed25519PrivateKey, **options: object
) -> dict[str, object]:
    """Return a document with an integrity proof (FEP-8b32); `options` replace parts of what is signed."""
    proof: dict[str, object] = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "verificationMethod": key_id,
        "proofPurpose": "assertionMethod",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **options,
    }
    signature = key.sign(_canonical_hash(proof) + _canonical_hash(document))
    return {**document, "proof": {**proof, "proofValue": f"z{_base58(signature)}"}}


def proof_is_right(document: Mapping[str, object], key: ed25519.Ed25519PublicKey) -> bool:
    """Tell whether a document's integrity proof was made with the key."""
    proof = document["proof"]
    assert isinstance(proof, dict)
    options = {name: value for name, value in proof.items() if name != "proofValue"}
    plain = {name: value for name, value in document.items() if name != "proof"}
    number = 0
    for character in str(proof["proofValue"])[1:]:
        number = number * 58 + _BASE58.index(character)
    try:
        key.verify(number.to_bytes(64), _canonical_hash(options) + _canonical_hash(plain))
    except (InvalidSignature, OverflowError):
        return False
    return True


def _canonical_hash(document: Mapping[str, object]) -> bytes:
    # The canonical form of RFC 8785, as long as there are no fractions and all names are ASCII.
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).digest()


def _base58(data: bytes) -> str:
    number, text = int.from_bytes(data), ""
    while number:
        number, rest = divmod(number, 58)
        text = _BASE58[rest] + text
    return _BASE58[0] * (len(data) - len(data.lstrip(b"\0"))) + text


def from_multibase(text: str) -> ed25519.Ed25519PublicKey:
    """Return the Ed25519 key of a `publicKeyMultibase`."""
    number = 0
    for character in text[1:]:
        number = number * 58 + _BASE58.index(character)
    return ed25519.Ed25519PublicKey.from_public_bytes(number.to_bytes(34)[2:])


@dataclass(frozen=True, kw_only=True)
class Signing:
    """How a request is signed; what is None is done right.

    `covered` replaces the signed components, `digest` the digest's header value, `algorithm` the label,
    `now` the time of signing, `expires` adds an expiry (Unix time). `extra` are headers to be sent
    and, unless `covered` says otherwise, signed beside the usual ones.
    """

    scheme: str = "cavage"
    covered: tuple[str, ...] | None = None
    digest: str | None = None
    algorithm: str | None = None
    now: datetime | None = None
    expires: int | None = None
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Outgoing:
    """A request to be signed."""

    method: str
    url: str
    body: bytes | None = None


def signed_headers(how: Signing, request: Outgoing, key_id: str, key: PrivateKey) -> dict[str, str]:
    """Return the headers of a signed request."""
    now = how.now or datetime.now(UTC)
    headers = {"Host": urlsplit(request.url).netloc, "Date": format_datetime(now, usegmt=True)}
    if request.body is not None:
        hashed = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
        name, value = ("Digest", f"SHA-256={hashed}")
        if how.scheme == "rfc9421":
            name, value = ("Content-Digest", f"sha-256=:{hashed}:")
        headers[name] = value if how.digest is None else how.digest
    headers |= dict(how.extra)
    sign = _rfc9421 if how.scheme == "rfc9421" else _cavage
    return headers | sign(replace(how, now=now), _values(request, headers), key_id, key)


def _values(request: Outgoing, headers: Mapping[str, str]) -> dict[str, str]:
    parts = urlsplit(request.url)
    query = f"?{parts.query}" if parts.query else ""
    return {
        **{name.lower(): value for name, value in headers.items()},
        "(request-target)": f"{request.method.lower()} {parts.path}{query}",
        "@method": request.method,
        "@target-uri": request.url,
        "@authority": parts.netloc,
        "@path": parts.path,
    }


def _cavage(how: Signing, values: Mapping[str, str], key_id: str, key: PrivateKey) -> dict[str, str]:
    digest, extra = ["digest"] if "digest" in values else [], [name.lower() for name, _ in how.extra]
    covered = how.covered or ("(request-target)", "host", "date", *digest, *extra)
    text = "\n".join(f"{name}: {values[name]}" for name in covered)
    algorithm = how.algorithm or ("rsa-sha256" if isinstance(key, rsa.RSAPrivateKey) else "hs2019")
    expires = f"expires={how.expires}," if how.expires is not None else ""
    return {
        "Signature": f'keyId="{key_id}",algorithm="{algorithm}",{expires}headers="{" ".join(covered)}",'
        f'signature="{_sign(key, text)}"'
    }


def _rfc9421(how: Signing, values: Mapping[str, str], key_id: str, key: PrivateKey) -> dict[str, str]:
    digest = ["content-digest"] if "content-digest" in values else []
    covered = how.covered or ("@method", "@target-uri", *digest, *(name.lower() for name, _ in how.extra))
    algorithm = how.algorithm or ("rsa-v1_5-sha256" if isinstance(key, rsa.RSAPrivateKey) else "ed25519")
    names = " ".join(f'"{name}"' for name in covered)
    created = int((how.now or datetime.now(UTC)).timestamp())
    parameters = f'({names});created={created};keyid="{key_id}";alg="{algorithm}"'
    if how.expires is not None:
        parameters += f";expires={how.expires}"
    lines = [f'"{name}": {values[name]}' for name in covered] + [f'"@signature-params": {parameters}']
    return {
        "Signature-Input": f"sig1={parameters}",
        "Signature": f"sig1=:{_sign(key, chr(10).join(lines))}:",
    }


def _sign(key: PrivateKey, text: str) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        return base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    return base64.b64encode(key.sign(text.encode())).decode()


@dataclass(frozen=True)
class Claim:
    """What a received request says of its signature; `scheme` is empty where there is none."""

    scheme: str = ""
    key_id: str = ""
    covered: tuple[str, ...] = ()
    base: bytes = b""
    signature: bytes = b""


def read_claim(method: str, url: str, headers: Mapping[str, str]) -> Claim:
    """Return what the signature of a received request covers, and the bytes it was made over.

    Args:
        method: In upper case.
        url: The one that was requested, as the sender knows it.
        headers: With names in lower case.
    """
    signature, inputs = headers.get("signature", ""), headers.get("signature-input", "")
    values = _values(Outgoing(method, url), headers)
    if inputs:
        label, _, parameters = inputs.partition("=")
        covered = tuple(re.findall(r'"([^"]+)"', parameters.partition(")")[0]))
        lines = [f'"{name}": {values.get(name)}' for name in covered] + [f'"@signature-params": {parameters}']
        key_id = re.search(r'keyid="([^"]+)"', parameters)
        raw = signature.removeprefix(f"{label}=:").removesuffix(":")
        return Claim("rfc9421", key_id[1] if key_id else "", covered, _joined(lines), base64.b64decode(raw))
    if not signature:
        return Claim()
    named = dict(re.findall(r'([A-Za-z]+)="([^"]*)"', signature))
    covered = tuple(named.get("headers", "").split())
    base = _joined([f"{name}: {values.get(name)}" for name in covered])
    raw = named.get("signature", "")
    return Claim("cavage", named.get("keyId", ""), covered, base, base64.b64decode(raw))


def _joined(lines: list[str]) -> bytes:
    return "\n".join(lines).encode()


def problem_of(claim: Claim, headers: Mapping[str, str], body: bytes, key: PublicKey) -> str:
    """Return what is wrong with a signature as other servers judge it; empty when nothing is."""
    needed = {"cavage": {"(request-target)", "host", "date"}, "rfc9421": {"@method", "@target-uri"}}
    digest = {"cavage": "digest", "rfc9421": "content-digest"}[claim.scheme]
    missing = (needed[claim.scheme] | ({digest} if body else set())) - set(claim.covered)
    if missing:
        return f"not covered: {sorted(missing)}"
    if "accept" in claim.covered:
        return "Accept is signed, which some servers do not take"
    hashed = base64.b64encode(hashlib.sha256(body).digest()).decode()
    expected = {"digest": f"SHA-256={hashed}", "content-digest": f"sha-256=:{hashed}:"}[digest]
    if body and headers.get(digest) != expected:
        return f"the digest is {headers.get(digest)}, not {expected}"
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(claim.signature, claim.base, padding.PKCS1v15(), hashes.SHA256())
        else:
            key.verify(claim.signature, claim.base)
    except InvalidSignature:
        return "the signature does not fit"
    return ""
