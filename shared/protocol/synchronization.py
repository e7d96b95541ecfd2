"""The `Collection-Synchronization` header (FEP-8fcf): who of a host follows, told by a digest. Pure."""

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from shared.protocol.identifiers import is_http_uri

HEADER: Final = "Collection-Synchronization"
DIGEST_BYTES: Final = 32
NOBODY: Final = bytes(DIGEST_BYTES)
"""The digest of no followers."""

_MAX_HEADER: Final = 8192
_PARAMETER: Final = re.compile(r'[ \t]*([A-Za-z]+)="([^"\\\r\n]*)"[ \t]*(?:,(?=.)|\Z)')


class Synchronization(Struct, frozen=True, kw_only=True):
    """What a header says: the followers collection, where its part for the reader's host is, its digest."""

    collection: str
    url: str
    digest: bytes


def digest_of(uris: Iterable[str]) -> bytes:
    """Return the digest of some followers: the SHA-256 of each id, all of them XORed."""
    together = 0
    for uri in uris:
        together ^= int.from_bytes(hashlib.sha256(uri.encode()).digest(), "big")
    return together.to_bytes(DIGEST_BYTES, "big")


def write_synchronization(said: Synchronization) -> str:
    """Return the value of a header."""
    return f'collectionId="{said.collection}", url="{said.url}", digest="{said.digest.hex()}"'


def read_synchronization(value: str) -> Synchronization | None:
    """Return what a header says; None for one that is not well formed."""
    if len(value) > _MAX_HEADER:
        return None
    parameters: dict[str, str] = {}
    position = 0
    while position < len(value):
        match = _PARAMETER.match(value, position)
        if match is None or match[1] in parameters:
            return None
        parameters[match[1]] = match[2]
        position = match.end()
    collection, url = parameters.get("collectionId", ""), parameters.get("url", "")
    digest = _digest(parameters.get("digest", ""))
    if digest is None or not is_http_uri(collection) or not is_http_uri(url):
        return None
    return Synchronization(collection=collection, url=url, digest=digest)


def _digest(text: str) -> bytes | None:
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        return None
    return digest if len(digest) == DIGEST_BYTES else None
