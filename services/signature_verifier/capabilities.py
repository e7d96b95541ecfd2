"""What peers show that they can do: who signs with Ed25519 also checks it, and may be sent the same."""

import time
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from shared.database import hosts
from shared.database.keys import KnownKey
from shared.database.pool import Pool, unavailable_when_down
from shared.protocol.identifiers import host_of
from shared.signatures.keys import ED25519
from shared.signatures.request import ParsedSignature, Scheme

_AGAIN: Final = 6 * 3600.0
_MOST: Final = 4096


class Capabilities:
    """Notes which hosts sign by RFC 9421 with Ed25519 keys, each a few times a day.

    Args:
        pool: The database.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._noted: OrderedDict[str, float] = OrderedDict()

    async def note(self, proven: Iterable[tuple[ParsedSignature, KnownKey]]) -> None:
        """Write down what signatures show that were found good; raises Unavailable."""
        shown = {
            host_of(key.actor_uri)
            for signature, key in proven
            if key.algorithm == ED25519 and signature.scheme is Scheme.RFC9421
        }
        if new := {host for host in shown if self._is_news(host)}:
            with unavailable_when_down():
                async with self._pool.acquire() as conn:
                    await hosts.note_ed25519(conn, new)
            self._remember(new)

    def _is_news(self, host: str) -> bool:
        return time.monotonic() - self._noted.get(host, float("-inf")) > _AGAIN

    def _remember(self, new: Iterable[str]) -> None:
        for host in new:
            self._noted[host] = time.monotonic()
            self._noted.move_to_end(host)
        while len(self._noted) > _MOST:
            self._noted.popitem(last=False)
