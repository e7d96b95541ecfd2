"""Private keys at rest: AES-256-GCM under a key that is derived from `HEDDLE_SECRET_KEY`."""

import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.protocol.errors import Rejected

_VERSION = b"\x01"
_NONCE = 12
_PURPOSE = b"heddle private keys v1"


class SealBroken(Rejected):
    """The sealed bytes were altered, belong elsewhere, or were sealed under another secret key."""

    reason = "seal_broken"


@lru_cache(maxsize=8)
def _cipher(secret_key: str) -> AESGCM:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret_key.encode())
    return AESGCM(derived)


def seal(secret_key: str, plaintext: bytes, context: str = "") -> bytes:
    """Encrypt bytes for storage.

    Args:
        secret_key: The value of `HEDDLE_SECRET_KEY`.
        plaintext: What is to be kept secret.
        context: Where the bytes belong; opening them elsewhere fails.
    """
    nonce = os.urandom(_NONCE)
    return _VERSION + nonce + _cipher(secret_key).encrypt(nonce, plaintext, context.encode())


def open_sealed(secret_key: str, sealed: bytes, context: str = "") -> bytes:
    """Decrypt what `seal` made with the same secret key and context; raises SealBroken."""
    nonce, ciphertext = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
    if sealed[:1] != _VERSION or len(nonce) != _NONCE:
        raise SealBroken
    try:
        return _cipher(secret_key).decrypt(nonce, ciphertext, context.encode())
    except InvalidTag:
        raise SealBroken from None
