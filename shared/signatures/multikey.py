"""Multikey (FEP-521a): public keys as base58btc text with a multicodec prefix."""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from shared.signatures.keys import checked_der
from shared.signatures.refused import Reason, Refused

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGITS = {character: value for value, character in enumerate(_ALPHABET)}
_BASE58BTC = "z"
_ED25519_PUB = b"\xed\x01"
_RSA_PUB = b"\x85\x24"
_MAX_TEXT = 1600  # an 8192-bit RSA key takes about 1,430 characters


def encode_multikey(der: bytes) -> str:
    """Return the `publicKeyMultibase` of a public key in DER SubjectPublicKeyInfo."""
    key = load_der_public_key(der)
    if isinstance(key, Ed25519PublicKey):
        return encode_base58btc(_ED25519_PUB + key.public_bytes_raw())
    if isinstance(key, RSAPublicKey):
        return encode_base58btc(_RSA_PUB + key.public_bytes(Encoding.DER, PublicFormat.PKCS1))
    raise TypeError(f"{type(key).__name__} has no Multikey form here")


def decode_multikey(text: str) -> tuple[str, bytes]:
    """Return algorithm and DER SubjectPublicKeyInfo of a `publicKeyMultibase`; raises Refused."""
    data = decode_base58btc(text)
    prefix, material = data[:2], data[2:]
    try:
        if prefix == _ED25519_PUB:
            return checked_der(Ed25519PublicKey.from_public_bytes(material))
        if prefix == _RSA_PUB:
            return checked_der(load_der_public_key(material))
    except (ValueError, UnsupportedAlgorithm):
        raise Refused(Reason.KEY_MALFORMED) from None
    raise Refused(Reason.KEY_UNSUPPORTED, "multicodec of another kind")


def encode_base58btc(data: bytes) -> str:
    """Return bytes as multibase base58btc."""
    number = int.from_bytes(data)
    digits = []
    while number:
        number, remainder = divmod(number, 58)
        digits.append(_ALPHABET[remainder])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return _BASE58BTC + _ALPHABET[0] * zeros + "".join(reversed(digits))


def decode_base58btc(text: str) -> bytes:
    """Return the bytes of a multibase text in base58btc; raises Refused."""
    if not text.startswith(_BASE58BTC) or len(text) > _MAX_TEXT:
        raise Refused(Reason.KEY_MALFORMED, "not base58btc")
    number = 0
    for character in text[1:]:
        value = _DIGITS.get(character)
        if value is None:
            raise Refused(Reason.KEY_MALFORMED, "not base58btc")
        number = number * 58 + value
    body = text[1:]
    zeros = len(body) - len(body.lstrip(_ALPHABET[0]))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8)
