"""The keys of local actors, opened once and kept in memory only: no message, log or row carries them."""

from collections import OrderedDict
from collections.abc import Collection

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from shared.database.accounts import open_keys, sealed_keys
from shared.database.pool import Connection
from shared.protocol.errors import Rejected
from shared.signatures.keys import load_private
from shared.signatures.request import Scheme
from shared.signatures.sign import Signer

MAX_SIGNERS = 4096


class SignerUnknown(Rejected):
    """There is no local actor with keys behind this number."""

    reason = "signer_unknown"


class Prover(Struct, frozen=True):
    """The key that an actor's integrity proofs are made with."""

    key_id: str
    private_key: Ed25519PrivateKey


class _Keys(Struct, frozen=True):
    signers: dict[Scheme, Signer]
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
        missing = [actor_id for actor_id in actor_ids if actor_id not in self._known]
        if not missing:
            return
        for actor_id, sealed in (await sealed_keys(conn, missing)).items():
            opened = open_keys(self._secret_key, sealed)
            signers = {
                scheme: Signer(key_id=opened.rsa_id, private_key=opened.rsa, scheme=scheme)
                for scheme in Scheme
            }
            self._known[actor_id] = _Keys(signers, opened.ed25519_id, opened.ed25519)
        while len(self._known) > max(MAX_SIGNERS, len(actor_ids)):
            self._known.popitem(last=False)

    def signer(self, actor_id: int, scheme: Scheme) -> Signer:
        """Return who signs for an actor that was loaded; raises SignerUnknown."""
        return self._keys(actor_id).signers[scheme]

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
