"""Signing requests of our own, in either scheme."""

import time
from binascii import b2a_base64
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import cast
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from msgspec import Struct

from shared.signatures import cavage, rfc9421
from shared.signatures.digest import content_digest_header, digest_header
from shared.signatures.keys import PrivateKey, load_private
from shared.signatures.request import Scheme

_PADDING = PKCS1v15()
_SHA256 = SHA256()
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

SentHeaders = list[tuple[str, str]]


class _Key(Struct, frozen=True):
    """A key and what kind it is: to ask an object from `cryptography` for that is dear."""

    key: PrivateKey
    is_rsa: bool


class _Outgoing(Struct, frozen=True):
    method: str
    url: str
    body: bytes | None
    key_id: str
    key: _Key
    now: int
    extra: SentHeaders


def sign_request(
    scheme: Scheme | str,
    method: str,
    url: str,
    body: bytes | None,
    *,
    key_id: str,
    private_key: PrivateKey,
    now: datetime,
    extra: Iterable[tuple[str, str]] = (),
) -> SentHeaders:
    """Return the headers that make a request a signed one; send all of them, as they are.

    Args:
        scheme: `cavage` or `rfc9421`.
        method: In upper case.
        url: Exactly as it will be requested; the query is signed too.
        body: The bytes to be sent, None for a request without a body.
        key_id: The URI under which the public key is found.
        private_key: RSA or Ed25519.
        now: Aware; servers compare it with their clocks.
        extra: Headers to be signed and sent beside those of the scheme.
    """
    key = _Key(private_key, isinstance(private_key, RSAPrivateKey))
    outgoing = _Outgoing(method, url, body, key_id, key, int(now.timestamp()), list(extra))
    return _SIGN[Scheme(scheme)](outgoing)


@lru_cache(maxsize=16_384)
def _target_and_authority(url: str) -> tuple[str, str]:
    """Return path with query, and host with port, as they stand in a URL: inboxes come again and again."""
    parts = urlsplit(url)
    path = parts.path or "/"
    return f"{path}?{parts.query}" if parts.query else path, parts.netloc


def _sign_cavage(outgoing: _Outgoing) -> SentHeaders:
    target, authority = _target_and_authority(outgoing.url)
    headers = [("Host", authority), ("Date", _date_of(outgoing.now))]
    covered = f"{cavage.REQUEST_TARGET} host date"
    if outgoing.body is not None:
        headers.append(("Digest", digest_header(outgoing.body)))
        covered += " digest"
    headers += outgoing.extra
    covered += "".join(f" {name.lower()}" for name, _ in outgoing.extra)
    lines = [f"{cavage.REQUEST_TARGET}: {outgoing.method.lower()} {target}"]
    lines += [f"{name.lower()}: {value}" for name, value in headers]
    algorithm = "rsa-sha256" if outgoing.key.is_rsa else "hs2019"
    signature = _signature(outgoing.key, "\n".join(lines))
    headers.append(("Signature", cavage.signature_header(outgoing.key_id, algorithm, covered, signature)))
    return headers


def _sign_rfc9421(outgoing: _Outgoing) -> SentHeaders:
    algorithm = rfc9421.RSA_V1_5 if outgoing.key.is_rsa else rfc9421.ED25519
    headers = [("Host", _target_and_authority(outgoing.url)[1])]
    lines = [f'"@method": {outgoing.method}', f'"@target-uri": {outgoing.url}']
    covered = '"@method" "@target-uri"'
    if outgoing.body is not None:
        digest = content_digest_header(outgoing.body)
        headers.append(("Content-Digest", digest))
        lines.append(f'"content-digest": {digest}')
        covered += ' "content-digest"'
    for name, value in outgoing.extra:
        headers.append((name, value))
        lines.append(f'"{name.lower()}": {value}')
        covered += f' "{name.lower()}"'
    parameters = f'({covered});created={outgoing.now};keyid="{outgoing.key_id}";alg="{algorithm}"'
    lines.append(f'"@signature-params": {parameters}')
    headers.append(("Signature-Input", f"sig1={parameters}"))
    headers.append(("Signature", f"sig1=:{_signature(outgoing.key, chr(10).join(lines))}:"))
    return headers


_SIGN = {Scheme.CAVAGE: _sign_cavage, Scheme.RFC9421: _sign_rfc9421}


def _signature(key: _Key, text: str) -> str:
    message = text.encode()
    if key.is_rsa:
        signature = cast("RSAPrivateKey", key.key).sign(message, _PADDING, _SHA256)
    else:
        signature = cast("Ed25519PrivateKey", key.key).sign(message)
    return b2a_base64(signature, newline=False).decode("ascii")


@lru_cache(maxsize=4096)
def _key_of(private_key: bytes) -> _Key:
    key = load_private(private_key)
    return _Key(key, isinstance(key, RSAPrivateKey))


def http_date(moment: datetime) -> str:
    """Return an aware moment as an IMF-fixdate (RFC 9110 section 5.6.7), whatever the locale."""
    return _date_of(int(moment.timestamp()))


@lru_cache(maxsize=16)
def _date_of(second: int) -> str:
    # Thousands of requests are signed within one second.
    utc = datetime.fromtimestamp(second, UTC)
    return f"{_DAYS[utc.weekday()]}, {utc.day:02} {_MONTHS[utc.month - 1]} {utc.year} {utc:%H:%M:%S} GMT"


class Signer(Struct, frozen=True, kw_only=True):
    """Who signs, and how: `private_key` is PKCS#8 DER of a key that we made."""

    key_id: str
    private_key: bytes
    scheme: Scheme = Scheme.CAVAGE

    def headers(
        self, method: str, url: str, body: bytes | None = None, extra: Iterable[tuple[str, str]] = ()
    ) -> SentHeaders:
        """Return the headers of a request signed now, `extra` among them."""
        key, now = _key_of(self.private_key), int(time.time())
        return _SIGN[self.scheme](_Outgoing(method, url, body, self.key_id, key, now, list(extra)))
