"""Keys that were replaced: looked for once, however many signatures wait for the answer."""

import asyncio
from collections.abc import Awaitable, Callable

from services.signature_verifier.keyring import Keyring, Refetches
from shared.database.keys import KnownKey
from shared.protocol.errors import Rejected

Fetch = Callable[[str], Awaitable[KnownKey]]


class Rotation:
    """Finds the key that took the place of one that does not fit.

    Args:
        keyring: The keys as they are stored.
        refetches: Which keys have been fetched again lately.
        fetch: Fetches and stores a key; raises Rejected, RemoteUnavailable.
    """

    def __init__(self, keyring: Keyring, refetches: Refetches, fetch: Fetch) -> None:
        self._keyring = keyring
        self._refetches = refetches
        self._fetch = fetch
        self._under_way: dict[str, asyncio.Task[KnownKey]] = {}

    async def successor(self, known: KnownKey) -> KnownKey | None:
        """Return the key of this id as its server has it now; None where that was asked a moment ago.

        Raises as `fetch` does. Where the server could not be asked, the next one may ask it again.
        """
        task = self._under_way.get(known.id)
        if task is None:
            if not self._refetches.is_open(known.id):
                return await self._stored_meanwhile(known)
            task = self._under_way[known.id] = asyncio.create_task(self._refetch(known.id))
            task.add_done_callback(lambda done: self._land(known.id, done))
        return await asyncio.shield(task)

    async def _stored_meanwhile(self, known: KnownKey) -> KnownKey | None:
        # The refetch may have ended between our look at the store and now.
        stored = (await self._keyring.read([known.id])).get(known.id)
        return stored if stored is not None and stored.der != known.der else None

    async def _refetch(self, key_id: str) -> KnownKey:
        try:
            key = await self._fetch(key_id)
        except Rejected:
            self._refetches.close(key_id)
            raise
        self._refetches.close(key_id)
        return key

    def _land(self, key_id: str, task: "asyncio.Task[KnownKey]") -> None:
        del self._under_way[key_id]
        if not task.cancelled():
            task.exception()  # so that nobody complains if all who asked have gone
