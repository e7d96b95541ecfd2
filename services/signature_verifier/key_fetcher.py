"""Fetching the keys that are not known, a few at a time from each host."""

from services.signature_verifier.gate import Gate
from services.signature_verifier.keyring import Keyring
from shared.database.keys import KnownKey
from shared.protocol.errors import Rejected
from shared.protocol.identifiers import host_of
from shared.remote.errors import RemoteUnavailable
from shared.resolution import Resolver
from shared.telemetry import metrics


class KeyFetcher:
    """Fetches keys, and counts how that went.

    Args:
        keyring: Takes in what is found.
        resolver: Asks the key's server.
        gate: Bounds what is under way to one host.
    """

    def __init__(self, keyring: Keyring, resolver: Resolver, gate: Gate) -> None:
        self._keyring = keyring
        self._resolver = resolver
        self._gate = gate

    async def fetch(self, key_id: str) -> KnownKey:
        """Return a key that is not known, by its id; raises Rejected, RemoteUnavailable."""
        return await self._fetch(key_id, "fetched")

    async def fetch_again(self, key_id: str) -> KnownKey:
        """Return a key because the known one does not fit; raises Rejected, RemoteUnavailable."""
        return await self._fetch(key_id, "refetched")

    async def _fetch(self, key_id: str, result: str) -> KnownKey:
        try:
            async with self._gate.enter(host_of(key_id)):
                key = await self._resolver.key(key_id)
        except (Rejected, RemoteUnavailable) as failure:
            unreachable = isinstance(failure, RemoteUnavailable)
            metrics.key_lookups.labels("unreachable" if unreachable else "refused").inc()
            raise
        metrics.key_lookups.labels(result).inc()
        self._keyring.remember(key)
        return key
