"""Public keys in the shapes that documents carry, as bytes only: nothing here judges a key.

Inside Heddle a key is DER SubjectPublicKeyInfo. On the wire it is PEM (`publicKeyPem`, of PKCS#8 or
PKCS#1) or a Multikey (FEP-521a). Whether a key is strong enough is decided where it is used.
"""

import base64
import binascii
import re
from typing import Final

RSA: Final = "rsa"
ED25519: Final = "ed25519"

_MAX_DER: Final = 1200
"""Bytes: an RSA key of 8,192 bits takes 1,062."""

_PEM: Final = re.compile(
    r"\s*-----BEGIN (?P<kind>RSA PUBLIC KEY|PUBLIC KEY)-----(?P<data>[A-Za-z0-9+/=\s]{1,4096})"
    r"-----END (?P=kind)-----\s*"
)
_RSA_ALGORITHM: Final = bytes.fromhex("300d06092a864886f70d0101010500")
_ED25519_PREFIX: Final = bytes.fromhex("302a300506032b6570032100")
_ED25519_LENGTH: Final = 32
_SEQUENCE: Final = 0x30
_BIT_STRING: Final = 0x03

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGITS: Final = {character: value for value, character in enumerate(_ALPHABET)}
_MULTICODEC_ED25519: Final = b"\xed\x01"
_MULTICODEC_RSA: Final = b"\x85\x24"
_MAX_MULTIBASE: Final = 1700


def read_pem(pem: str) -> tuple[str, bytes] | None:
    """Return algorithm and DER of a public key in PEM; None for anything else, private keys included."""
    match = _PEM.fullmatch(pem)
    if match is None:
        return None
    try:
        der = base64.b64decode("".join(match["data"].split()), validate=True)
    except binascii.Error:
        return None
    if match["kind"] == "RSA PUBLIC KEY":
        der = _wrap_rsa(der)
    return _recognised(der)


def write_pem(der: bytes) -> str:
    """Return a key as PEM with lines of 64 characters and a line break at its end."""
    text = base64.b64encode(der).decode()
    lines = "\n".join(text[start : start + 64] for start in range(0, len(text), 64))
    return f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"


def read_multikey(multibase: str) -> tuple[str, bytes] | None:
    """Return algorithm and DER of a `publicKeyMultibase`; None for what is not known."""
    data = _from_base58(multibase[1:]) if multibase[:1] == "z" else None
    if data is None:
        return None
    codec, key = data[:2], data[2:]
    if codec == _MULTICODEC_ED25519 and len(key) == _ED25519_LENGTH:
        return ED25519, _ED25519_PREFIX + key
    if codec == _MULTICODEC_RSA:
        return _recognised(_wrap_rsa(key))
    return None


def write_multikey(der: bytes) -> str:
    """Return an Ed25519 key as `publicKeyMultibase`.

    Raises:
        ValueError: The key is of another kind.
    """
    if not der.startswith(_ED25519_PREFIX):
        raise ValueError("only Ed25519 keys are written as Multikey")
    return "z" + _to_base58(_MULTICODEC_ED25519 + der.removeprefix(_ED25519_PREFIX))


def _recognised(der: bytes) -> tuple[str, bytes] | None:
    if len(der) > _MAX_DER:
        return None
    if der.startswith(_ED25519_PREFIX):
        return (ED25519, der) if len(der) == len(_ED25519_PREFIX) + _ED25519_LENGTH else None
    return (RSA, der) if _RSA_ALGORITHM in der[:24] else None


def _wrap_rsa(pkcs1: bytes) -> bytes:
    return _der(_SEQUENCE, _RSA_ALGORITHM + _der(_BIT_STRING, b"\0" + pkcs1))


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:  # noqa: PLR2004 - the short form of DER lengths
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size) + content


def _to_base58(data: bytes) -> str:
    number, text = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 58)
        text = _ALPHABET[digit] + text
    return _ALPHABET[0] * (len(data) - len(data.lstrip(b"\0"))) + text


def _from_base58(text: str) -> bytes | None:
    if not text or len(text) > _MAX_MULTIBASE:
        return None
    number = 0
    for character in text:
        digit = _DIGITS.get(character)
        if digit is None:
            return None
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip(_ALPHABET[0]))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8)
