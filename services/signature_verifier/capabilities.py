"""What peers show of themselves: who signs with Ed25519 may be sent the same, and how they spell digests."""

import time
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from shared.database import hosts
from shared.database.keys import KnownKey
from shared.database.pool import Pool, unavailable_when_down
from shared.protocol.identifiers import host_of
from shared.signatures.digest import digest_form
from shared.signatures.keys import ED25519
from shared.signatures.request import ParsedSignature, Scheme

_AGAIN: Final = 6 * 3600.0
_MOST: Final = 8192

_Sign = tuple[str, str]
"""A host, and what it shows: `ed25519`, or how it spells a digest."""


class Capabilities:
    """Notes what hosts show by signing requests, each a few times a day.

    Args:
        pool: The database.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._noted: OrderedDict[_Sign, float] = OrderedDict()

    async def note(self, proven: Iterable[tuple[ParsedSignature, KnownKey]]) -> None:
        """Write down what signatures show that were found good; raises Unavailable."""
        new = {sign for sign in _shown(proven) if self._is_news(sign)}
        if not new:
            return
        able = {host for host, what in new if what == ED25519}
        spelled = {host: what for host, what in sorted(new) if what != ED25519}
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                await hosts.note_ed25519(conn, able)
                await hosts.note_digest_forms(conn, spelled)
        self._remember(new)

    def _is_news(self, sign: _Sign) -> bool:
        return time.monotonic() - self._noted.get(sign, float("-inf")) > _AGAIN

    def _remember(self, new: Iterable[_Sign]) -> None:
        for sign in new:
            self._noted[sign] = time.monotonic()
            self._noted.move_to_end(sign)
        while len(self._noted) > _MOST:
            self._noted.popitem(last=False)


def _shown(proven: Iterable[tuple[ParsedSignature, KnownKey]]) -> set[_Sign]:
    shown: set[_Sign] = set()
    for signature, key in proven:
        host = host_of(key.actor_uri)
        if key.algorithm == ED25519 and signature.scheme is Scheme.RFC9421:
            shown.add((host, ED25519))
        if form := digest_form(signature.fields):
            shown.add((host, form))
    return shown
