"""Keys of the simulated actors: made once, kept in a file, shared among many actors.

Making an RSA key takes a tenth of a second; a hundred thousand actors cannot each have one of their own,
and nobody on the receiving side can tell.
"""

import hashlib
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)
from msgspec import Struct

RSA_BITS = 2048


class KeyPair(Struct, frozen=True, kw_only=True):
    """One RSA key: the private half as PKCS#8 DER, the public half as PEM and as DER."""

    private_der: bytes
    public_pem: str
    public_der: bytes


class KeyRing:
    """A few keys, handed out to actors by their number.

    Args:
        pairs: At least one key.
    """

    def __init__(self, pairs: list[KeyPair]) -> None:
        self._pairs = pairs
        self._loaded: dict[int, rsa.RSAPrivateKey] = {}

    def __len__(self) -> int:
        return len(self._pairs)

    @property
    def fingerprint(self) -> str:
        """A short word that differs from ring to ring."""
        return hashlib.sha256(self._pairs[0].public_der).hexdigest()[:6]

    def pair(self, number: int) -> KeyPair:
        """Return the key of the actor with this number."""
        return self._pairs[number % len(self._pairs)]

    def private_key(self, number: int) -> rsa.RSAPrivateKey:
        """Return the parsed private key of the actor with this number."""
        index = number % len(self._pairs)
        if index not in self._loaded:
            # Our own keys: the checks of an untrusted key would cost 30 ms each.
            key = load_der_private_key(
                self._pairs[index].private_der, password=None, unsafe_skip_rsa_key_validation=True
            )
            if not isinstance(key, rsa.RSAPrivateKey):
                raise TypeError("a simulated actor's key is RSA")
            self._loaded[index] = key
        return self._loaded[index]


def make_pair() -> KeyPair:
    """Make one new key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    public = key.public_key()
    return KeyPair(
        private_der=key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        public_pem=public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        public_der=public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    )


def load_ring(file: Path, count: int) -> KeyRing:
    """Return `count` keys, read from the file as far as it has them, made and added to it otherwise."""
    pairs: list[KeyPair] = []
    if file.exists():
        pairs = msgspec.msgpack.decode(file.read_bytes(), type=list[KeyPair])
    if len(pairs) < count:
        pairs += [make_pair() for _ in range(count - len(pairs))]
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.write_bytes(msgspec.msgpack.encode(pairs))
        partial.replace(file)
    return KeyRing(pairs[:count])
