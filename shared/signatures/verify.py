"""The one way in: read the signature of a request, then judge it with the key it names.

`parse` and `verify` answer for everything that can be told from the request, the key and the clock; who
owns the key is for the caller to find out.
"""

from datetime import datetime
from functools import cache, lru_cache
from typing import Protocol, cast
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from shared.protocol.identifiers import MAX_URI_LENGTH, origin_of
from shared.signatures import cavage, rfc9421
from shared.signatures.dates import check_expiry, check_window, read_date
from shared.signatures.digest import check_digest, needs_digest
from shared.signatures.keys import VerifyingKey, load_public
from shared.signatures.refused import Reason, Refused
from shared.signatures.request import Fields, Headers, ParsedSignature, Scheme, SignedRequest


class Key(Protocol):
    """A public key as DER SubjectPublicKeyInfo; `algorithm` is rsa or ed25519."""

    @property
    def algorithm(self) -> str: ...  # noqa: D102 - see above
    @property
    def der(self) -> bytes: ...  # noqa: D102 - see above


_MAX_REMEMBERED = 512
"""Characters of a key id: longer ones are looked at each time, so that nobody fills the memory with them."""

_PADDING = PKCS1v15()
_SHA256 = SHA256()


def parse(request: SignedRequest) -> ParsedSignature:
    """Return what the signature of a request claims; raises Refused.

    The key id is an absolute http or https URI: nothing else is worth a fetch.
    """
    parsed = read_signature(request.headers)
    key_id = parsed.key_id
    if not (is_usable(key_id) if len(key_id) <= _MAX_REMEMBERED else _is_key_id(key_id)):
        raise Refused(Reason.KEY_ID_UNUSABLE, key_id[:200])
    return parsed


def _is_key_id(text: str) -> bool:
    return len(text) <= MAX_URI_LENGTH and bool(origin_of(text)) and text.isprintable()


is_usable = lru_cache(maxsize=4096)(_is_key_id)


def read_signature(headers: Headers) -> ParsedSignature:
    """Return what the signature among these headers claims, whatever its key id; raises Refused.

    `Signature-Input` makes it RFC 9421, and nothing falls back from there.
    """
    fields = Fields(headers)
    inputs, signature = fields.get("signature-input"), fields.get("signature")
    if not signature:
        raise Refused(Reason.SIGNATURE_MISSING)
    if inputs is not None:
        return rfc9421.read_signature(inputs, signature, fields)
    return cavage.read_signature(signature, fields)


def verify(parsed: ParsedSignature, request: SignedRequest, key: Key, *, origin: str, now: datetime) -> None:
    """Return only if the signature was made with the key, over all that matters; raises Refused.

    Args:
        parsed: What `parse` returned for this request.
        request: The request as it was received.
        key: The key that `parsed.key_id` names.
        origin: Scheme and host under which we are known: what was signed for another host is refused.
        now: When the request was received. The queue may have held it for long, so not the present.
    """
    moment = now.timestamp()
    check_expiry(parsed.created, parsed.expires, moment)
    _check_host(parsed, origin)
    if parsed.scheme is Scheme.CAVAGE:
        _check_cavage(parsed, request, key.algorithm, moment)
    else:
        _check_rfc9421(parsed, request, key.algorithm, moment)
    check_digest(parsed.fields, request.method, request.body)
    _check_signature(parsed, request, load_public(key.algorithm, key.der), origin)


def _check_host(parsed: ParsedSignature, origin: str) -> None:
    if "host" in parsed.covered and parsed.fields.covered("host").lower() not in _our_names(origin):
        raise Refused(Reason.HOST_MISMATCH, parsed.fields.covered("host")[:200])


@lru_cache(maxsize=16)
def _our_names(origin: str) -> frozenset[str]:
    parts = urlsplit(origin)
    authority = rfc9421.authority_of(origin)
    if parts.port is None or authority == parts.hostname:
        return frozenset({authority, f"{authority}:{443 if parts.scheme == 'https' else 80}"})
    return frozenset({authority})


def _check_cavage(parsed: ParsedSignature, request: SignedRequest, algorithm: str, now: float) -> None:
    if parsed.algorithm not in cavage.ALGORITHMS:
        raise Refused(Reason.ALGORITHM_UNSUPPORTED, parsed.algorithm[:64])
    if parsed.algorithm == "rsa-sha256" and algorithm != "rsa":
        raise Refused(Reason.ALGORITHM_MISMATCH)
    covered = parsed.covered
    if cavage.REQUEST_TARGET not in covered:
        raise Refused(Reason.TARGET_NOT_COVERED)
    if "host" not in covered:
        raise Refused(Reason.HOST_NOT_COVERED)
    check_digest_covered(parsed, request.method, request.body)
    if "date" in covered:
        signed_at = read_date(parsed.fields.covered("date"))
        check_window(signed_at, now)
        check_expiry(signed_at, parsed.expires, now)
    elif cavage.CREATED in covered and parsed.created is not None:
        check_window(parsed.created, now)
    else:
        raise Refused(Reason.DATE_NOT_COVERED)


def _check_rfc9421(parsed: ParsedSignature, request: SignedRequest, algorithm: str, now: float) -> None:
    if parsed.algorithm not in rfc9421.ALGORITHMS:
        raise Refused(Reason.ALGORITHM_UNSUPPORTED, parsed.algorithm[:64])
    if parsed.algorithm and (parsed.algorithm == rfc9421.RSA_V1_5) != (algorithm == "rsa"):
        raise Refused(Reason.ALGORITHM_MISMATCH)
    if "@method" not in parsed.covered or "@target-uri" not in parsed.covered:
        raise Refused(Reason.TARGET_NOT_COVERED)
    check_digest_covered(parsed, request.method, request.body)
    if parsed.created is None:
        raise Refused(Reason.DATE_MISSING, "no created")
    check_window(parsed.created, now)


def check_digest_covered(parsed: ParsedSignature, method: str, body: bytes) -> None:
    """Refuse a body that the signature says nothing about."""
    if not needs_digest(method, body) or "content-digest" in parsed.covered:
        return
    if parsed.scheme is Scheme.RFC9421 or "digest" not in parsed.covered:
        raise Refused(Reason.DIGEST_NOT_COVERED)


def _check_signature(parsed: ParsedSignature, request: SignedRequest, key: VerifyingKey, origin: str) -> None:
    if parsed.scheme is Scheme.RFC9421:
        base = rfc9421.signature_base(request.method, request.target, origin, parsed)
        fits = _is_signed(key, parsed.signature, base)
    else:
        path, question, _ = request.target.partition("?")
        fits = _fits_cavage(parsed, request.method, request.target, key)
        # Some servers leave the query out of the request target, others do not.
        if not fits and question:
            fits = _fits_cavage(parsed, request.method, path, key)
    if not fits:
        raise Refused(Reason.SIGNATURE_INVALID)


def _fits_cavage(parsed: ParsedSignature, method: str, target: str, key: VerifyingKey) -> bool:
    return _is_signed(key, parsed.signature, cavage.signing_string(method, target, parsed))


def _is_signed(key: VerifyingKey, signature: bytes, message: bytes) -> bool:
    try:
        # By type and not by `isinstance`, which costs a tenth of the verification here.
        if _is_rsa(type(key)):
            cast("RSAPublicKey", key).verify(signature, message, _PADDING, _SHA256)
        else:
            cast("Ed25519PublicKey", key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


@cache
def _is_rsa(kind: type) -> bool:
    return issubclass(kind, RSAPublicKey)
