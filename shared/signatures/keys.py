"""Keys: making them, reading what others publish, and refusing the ones that prove nothing."""

from functools import lru_cache
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
    load_pem_public_key,
)
from msgspec import Struct

from shared.signatures.refused import Reason, Refused

RSA: Final = "rsa"
ED25519: Final = "ed25519"
PrivateKey = RSAPrivateKey | Ed25519PrivateKey
VerifyingKey = RSAPublicKey | Ed25519PublicKey

MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192
_MIN_EXPONENT = 3
_MAX_EXPONENT = 2**32
_MAX_DER = 1200  # an 8192-bit RSA key takes 1,062 bytes
_MAX_PEM = 4096
_PUBLIC_MARKERS = ("-----BEGIN PUBLIC KEY-----", "-----BEGIN RSA PUBLIC KEY-----")


class KeyPair(Struct, frozen=True, kw_only=True):
    """A key of ours: `private` is PKCS#8 DER (seal it before it is stored), `public` is SPKI DER."""

    algorithm: str
    private: bytes
    public: bytes


def generate_rsa() -> KeyPair:
    """Make a key of 2,048 bits, which every server takes; costs about 100 ms of CPU."""
    return _pair(RSA, generate_private_key(public_exponent=65537, key_size=MIN_RSA_BITS))


def generate_ed25519() -> KeyPair:
    """Make an Ed25519 key."""
    return _pair(ED25519, Ed25519PrivateKey.generate())


def _pair(algorithm: str, key: PrivateKey) -> KeyPair:
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return KeyPair(algorithm=algorithm, private=private, public=der_of(key.public_key()))


def der_of(key: VerifyingKey) -> bytes:
    """Return a public key as DER SubjectPublicKeyInfo."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def pem_of(der: bytes) -> str:
    """Return the PEM of a public key in DER, as `publicKeyPem` carries it."""
    key = load_der_public_key(der)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


@lru_cache(maxsize=4096)
def load_private(der: bytes) -> PrivateKey:
    """Return a private key of ours, parsed once.

    The checks of RSA parameters are left out: they cost 30 ms, and we made the key ourselves.
    """
    key = load_der_private_key(der, password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise TypeError(f"{type(key).__name__} is not a key that we make")
    return key


@lru_cache(maxsize=4096)
def load_public(algorithm: str, der: bytes) -> VerifyingKey:
    """Return a public key fit for verifying, parsed once; raises Refused.

    RSA has 2,048 to 8,192 bits and an odd exponent from 3 on, so that a hostile key costs no more CPU
    than an honest one.
    """
    if len(der) > _MAX_DER:
        raise Refused(Reason.KEY_WEAK, f"key of {len(der)} bytes")
    try:
        key = load_der_public_key(der)
    except UnsupportedAlgorithm:
        raise Refused(Reason.KEY_UNSUPPORTED) from None
    except ValueError:
        raise Refused(Reason.KEY_MALFORMED) from None
    if algorithm == RSA and isinstance(key, RSAPublicKey):
        _check_rsa(key)
        return key
    if algorithm == ED25519 and isinstance(key, Ed25519PublicKey):
        return key
    raise Refused(Reason.KEY_UNSUPPORTED, f"{type(key).__name__} stored as {algorithm[:16]!r}")


def _check_rsa(key: RSAPublicKey) -> None:
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise Refused(Reason.KEY_WEAK, f"RSA key of {key.key_size} bits")
    exponent = key.public_numbers().e
    if not _MIN_EXPONENT <= exponent <= _MAX_EXPONENT or exponent % 2 == 0:
        raise Refused(Reason.KEY_WEAK, "RSA key with an unfit exponent")


def pem_to_der(pem: str) -> tuple[str, bytes]:
    """Return algorithm and DER SubjectPublicKeyInfo of a `publicKeyPem`; raises Refused.

    Private keys and certificates are refused, as is whatever `load_public` refuses.
    """
    text = pem.strip()
    if len(text) > _MAX_PEM or not text.startswith(_PUBLIC_MARKERS) or text.count("-----BEGIN") != 1:
        raise Refused(Reason.KEY_MALFORMED, "not the PEM of one public key")
    try:
        key = load_pem_public_key(text.encode("ascii"))
    except UnsupportedAlgorithm:
        raise Refused(Reason.KEY_UNSUPPORTED) from None
    except ValueError:
        raise Refused(Reason.KEY_MALFORMED) from None
    return checked_der(key)


def checked_der(key: object) -> tuple[str, bytes]:
    """Return algorithm and DER of a freshly read public key; raises Refused."""
    if not isinstance(key, RSAPublicKey | Ed25519PublicKey):
        raise Refused(Reason.KEY_UNSUPPORTED, type(key).__name__)
    algorithm = RSA if isinstance(key, RSAPublicKey) else ED25519
    der = der_of(key)
    load_public(algorithm, der)
    return algorithm, der
