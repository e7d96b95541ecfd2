"""The keys of local actors, opened once and kept in memory only: no message, log or row carries them."""

from collections import OrderedDict
from collections.abc import Collection

from shared.database.accounts import open_keys, sealed_keys
from shared.database.pool import Connection
from shared.protocol.errors import Rejected
from shared.signatures.request import Scheme
from shared.signatures.sign import Signer

MAX_SIGNERS = 4096


class SignerUnknown(Rejected):
    """There is no local actor with keys behind this number."""

    reason = "signer_unknown"


class Signers:
    """Signs in the name of local actors.

    Args:
        secret_key: `HEDDLE_SECRET_KEY`, under which the private keys are sealed.
    """

    def __init__(self, secret_key: str) -> None:
        self._secret_key = secret_key
        self._known: OrderedDict[int, dict[Scheme, Signer]] = OrderedDict()

    async def load(self, conn: Connection, actor_ids: Collection[int]) -> None:
        """Fetch and open the keys of those of these actors that are not known yet."""
        missing = [actor_id for actor_id in actor_ids if actor_id not in self._known]
        if not missing:
            return
        for actor_id, sealed in (await sealed_keys(conn, missing)).items():
            opened = open_keys(self._secret_key, sealed)
            self._known[actor_id] = {
                scheme: Signer(key_id=opened.rsa_id, private_key=opened.rsa, scheme=scheme)
                for scheme in Scheme
            }
        while len(self._known) > max(MAX_SIGNERS, len(actor_ids)):
            self._known.popitem(last=False)

    def signer(self, actor_id: int, scheme: Scheme) -> Signer:
        """Return who signs for an actor that was loaded; raises SignerUnknown."""
        known = self._known.get(actor_id)
        if known is None:
            raise SignerUnknown(f"actor {actor_id}")
        self._known.move_to_end(actor_id)
        return known[scheme]
