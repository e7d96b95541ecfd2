"""Digests of bodies: `Digest` (RFC 3230) and `Content-Digest` (RFC 9530)."""

import hashlib
from base64 import b64encode
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from functools import lru_cache
from typing import cast

import http_sf

from shared.signatures.refused import Reason, Refused
from shared.signatures.request import Fields

_MAX_HEADER = 1024
_HASHES = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
_USUAL = ("SHA-256=", "sha-256=")
_USUAL_CONTENT = ("sha-256=:",)
_BASE64_LENGTH = 44
"""Characters of a SHA-256 in base64."""

_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})


@lru_cache(maxsize=64)
def _sha256(body: bytes) -> str:
    # One body goes to thousands of inboxes: it is hashed once.
    return b64encode(hashlib.sha256(body).digest()).decode()


def digest_header(body: bytes) -> str:
    """Return the value of a `Digest` header; the upper case is what several servers insist on."""
    return f"SHA-256={_sha256(body)}"


def content_digest_header(body: bytes) -> str:
    """Return the value of a `Content-Digest` header (RFC 9530 section 2)."""
    return f"sha-256=:{_sha256(body)}:"


def digest_form(fields: Fields) -> str:
    """Return how a request spells its digest: `SHA-256`, `sha-256`, `Content-Digest`, or empty without one.

    Some servers take from others only what they write themselves.
    """
    if "content-digest" in fields:
        return "Content-Digest"
    header = fields.get("digest") or ""
    if header.startswith(_USUAL):
        return header[: len("sha-256")]
    algorithm = header.partition("=")[0].strip()
    return algorithm if algorithm.lower() in _HASHES else ""


def needs_digest(method: str, body: bytes) -> bool:
    """Tell whether a request proves nothing without a digest."""
    return bool(body) or method.upper() in _BODY_METHODS


def check_digest(fields: Fields, method: str, body: bytes) -> None:
    """Compare every digest that the request states with its body; raises Refused.

    A digest may list several algorithms: at least one has to be known, and all known ones have to fit.
    """
    digest, content_digest = fields.get("digest"), fields.get("content-digest")
    if digest is not None and not _is_plain(digest, _USUAL, "", body):
        _compare(_read_digest(digest), body)
    if content_digest is not None and not _is_plain(content_digest, _USUAL_CONTENT, ":", body):
        _compare(_read_content_digest(content_digest), body)
    if digest is None and content_digest is None and needs_digest(method, body):
        raise Refused(Reason.DIGEST_MISSING)


def _is_plain(header: str, beginnings: tuple[str, ...], closing: str, body: bytes) -> bool:
    """Tell whether a header is what most send, letter for letter; another may be right, too."""
    if not header.startswith(beginnings):
        return False
    beginning = header[: len(beginnings[0])]
    if len(header) != len(beginning) + _BASE64_LENGTH + len(closing):
        return False
    hashed = b2a_base64(hashlib.sha256(body).digest(), newline=False).decode()
    return header == f"{beginning}{hashed}{closing}"


def _compare(stated: Mapping[str, bytes], body: bytes) -> None:
    known = [(hasher, stated[name]) for name, hasher in _HASHES.items() if name in stated]
    if not known:
        raise Refused(Reason.DIGEST_UNSUPPORTED, f"digest by {', '.join(stated)[:64]!r}")
    if any(hasher(body).digest() != value for hasher, value in known):
        raise Refused(Reason.DIGEST_MISMATCH)


def _read_digest(header: str) -> dict[str, bytes]:
    if len(header) > _MAX_HEADER:
        raise Refused(Reason.DIGEST_MALFORMED)
    stated: dict[str, bytes] = {}
    for part in header.split(","):
        name, equals, value = part.strip(" \t").partition("=")
        name = name.lower()
        if not equals or not name or name in stated:
            raise Refused(Reason.DIGEST_MALFORMED)
        stated[name] = _decode(value) if name in _HASHES else b""
    return stated


def _decode(value: str) -> bytes:
    try:
        return a2b_base64(value, strict_mode=True)
    except (Base64Error, ValueError):
        raise Refused(Reason.DIGEST_MALFORMED) from None


def _read_content_digest(header: str) -> dict[str, bytes]:
    if len(header) > _MAX_HEADER:
        raise Refused(Reason.DIGEST_MALFORMED)
    try:
        members = http_sf.parse(header.encode("ascii"), tltype="dictionary", on_duplicate_key=_duplicate)
    except (http_sf.StructuredFieldError, ValueError):
        raise Refused(Reason.DIGEST_MALFORMED) from None
    stated: dict[str, bytes] = {}
    for name, member in cast("dict[str, object]", members).items():
        value = member[0] if isinstance(member, tuple) else member
        if not isinstance(value, bytes):
            raise Refused(Reason.DIGEST_MALFORMED)
        stated[name] = value
    return stated


def _duplicate(_name: str, _where: str) -> None:
    raise Refused(Reason.DIGEST_MALFORMED, "the digest states something twice")
