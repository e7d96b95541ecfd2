"""The keys of local actors, opened once and kept in memory only: no message, log or row carries them."""

from collections import OrderedDict
from collections.abc import Collection
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from shared.database.accounts import open_keys, sealed_keys
from shared.database.pool import Connection
from shared.protocol.errors import Rejected
from shared.signatures.keys import load_private
from shared.signatures.request import Scheme
from shared.signatures.sign import Signer

MAX_SIGNERS = 16_384
"""More than can be in hand at once: who was loaded for a delivery is there when its turn comes."""


class SignerUnknown(Rejected):
    """There is no local actor with keys behind this number."""

    reason = "signer_unknown"


class Prover(Struct, frozen=True):
    """The key that an actor's integrity proofs are made with."""

    key_id: str
    private_key: Ed25519PrivateKey


class Manner(StrEnum):
    """How a delivery is signed: by which scheme, and with which of the actor's keys."""

    CAVAGE = "cavage"
    RFC9421 = "rfc9421"
    ED25519 = "ed25519"
    """RFC 9421 with the Ed25519 key: a tenth of the work of RSA, and understood by few."""


class _Keys(Struct, frozen=True):
    signers: dict[Manner, Signer]
    ed25519_id: str
    ed25519: bytes


class Signers:
    """Signs in the name of local actors.

    Args:
        secret_key: `HEDDLE_SECRET_KEY`, under which the private keys are sealed.
    """

    def __init__(self, secret_key: str) -> None:
        self._secret_key = secret_key
        self._known: OrderedDict[int, _Keys] = OrderedDict()

    async def load(self, conn: Connection, actor_ids: Collection[int]) -> None:
        """Fetch and open the keys of those of these actors that are not known yet."""
        missing = []
        for actor_id in actor_ids:
            if actor_id in self._known:
                self._known.move_to_end(actor_id)
            else:
                missing.append(actor_id)
        if not missing:
            return
        for actor_id, sealed in (await sealed_keys(conn, missing)).items():
            opened = open_keys(self._secret_key, sealed)
            signers = {
                Manner.CAVAGE: Signer(key_id=opened.rsa_id, private_key=opened.rsa, scheme=Scheme.CAVAGE),
                Manner.RFC9421: Signer(key_id=opened.rsa_id, private_key=opened.rsa, scheme=Scheme.RFC9421),
                Manner.ED25519: Signer(
                    key_id=opened.ed25519_id, private_key=opened.ed25519, scheme=Scheme.RFC9421
                ),
            }
            self._known[actor_id] = _Keys(signers, opened.ed25519_id, opened.ed25519)
        while len(self._known) > max(MAX_SIGNERS, len(actor_ids)):
            self._known.popitem(last=False)

    def signer(self, actor_id: int, manner: Manner) -> Signer:
        """Return who signs for an actor that was loaded; raises SignerUnknown."""
        return self._keys(actor_id).signers[manner]

    def prover(self, actor_id: int) -> Prover:
        """Return what proves documents of an actor that was loaded; raises SignerUnknown."""
        keys = self._keys(actor_id)
        private_key = load_private(keys.ed25519)
        if not isinstance(private_key, Ed25519PrivateKey):
            raise SignerUnknown(f"actor {actor_id} has no Ed25519 key")
        return Prover(keys.ed25519_id, private_key)

    def _keys(self, actor_id: int) -> _Keys:
        known = self._known.get(actor_id)
        if known is None:
            raise SignerUnknown(f"actor {actor_id}")
        self._known.move_to_end(actor_id)
        return known
