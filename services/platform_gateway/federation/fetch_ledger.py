"""Keeps account of who fetched a post with a signature: whoever has a copy is told when it is deleted.

The answer to a fetch never waits for this. Signatures are verified in the background and written down in
groups, each host once per post; a key that is not known is fetched, a few at a time.
"""

import asyncio
import contextlib
import math
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import structlog
from aiohttp import web
from msgspec import Struct

from services.platform_gateway.gateway import GATEWAY, Gateway
from shared.database import fetches, keys
from shared.database.fetches import Fetch
from shared.database.keys import KnownKey
from shared.database.pool import unavailable_when_down
from shared.protocol.errors import Rejected, Unavailable
from shared.protocol.identifiers import host_of
from shared.protocol.objects import PublicKey
from shared.remote.errors import RemoteUnavailable
from shared.signatures.request import ParsedSignature, SignedRequest
from shared.signatures.verify import verify
from shared.telemetry import metrics

log = structlog.get_logger(__name__)

PAUSE: Final = 0.5
"""Seconds between two groups."""

GROUP: Final = 200
WAITING: Final = 2000
"""Fetches that wait to be verified at most; what comes on top is counted only."""

UNKNOWN_AT_ONCE: Final = 4
"""Keys of one group that are fetched; the others' turn comes with the next ones."""

KEY_SECONDS: Final = 5.0
LAST_WORDS: Final = 3.0
"""Seconds that a stop waits for what is not written down yet."""

REMEMBERED: Final = 50_000
"""Pairs of host and post that are known to be written down, so that a popular post costs nothing more."""


class Claim(Struct, frozen=True, kw_only=True):
    """A fetch as it was signed, not verified yet."""

    object_uri: str
    request: SignedRequest
    signature: ParsedSignature
    at: datetime


class FetchLedger:
    """Verifies fetches and writes them down.

    Args:
        gateway: The database, and the way to keys.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._waiting: deque[Claim] = deque()
        self._written: OrderedDict[tuple[str, str], None] = OrderedDict()

    def note(self, object_uri: str, request: SignedRequest, signature: ParsedSignature) -> None:
        """Have a fetch written down soon, if its signature is good."""
        pair = (host_of(signature.key_id), object_uri)
        if pair in self._written:
            self._written.move_to_end(pair)
            return
        if len(self._waiting) >= WAITING:
            metrics.fetches_unrecorded.inc()
            return
        claim = Claim(object_uri=object_uri, request=request, signature=signature, at=datetime.now(UTC))
        self._waiting.append(claim)

    async def run(self) -> None:
        """Write until cancelled; while the database is away, what was fetched waits."""
        while True:
            await asyncio.sleep(PAUSE)
            await self.write()

    async def write(self) -> None:
        """Write down what waits, as far as it fits into one group."""
        group = [self._waiting.popleft() for _ in range(min(GROUP, len(self._waiting)))]
        if not group:
            return
        try:
            await self._settle(group)
        except asyncio.CancelledError:
            self._wait_again(group)
            raise
        except Unavailable as outage:
            log.warning("fetches_held", reason=outage.reason)
            self._wait_again(group)
        except Exception:
            log.exception("fetches_not_recorded", fetches=len(group))
            metrics.fetches_unrecorded.inc(len(group))

    async def finish(self) -> None:
        """Write down what still waits, as long as that gets on and the time allows it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                left = math.inf
                while len(self._waiting) < left:
                    left = len(self._waiting)
                    await self.write()
        metrics.fetches_unrecorded.inc(len(self._waiting))

    async def _settle(self, group: Sequence[Claim]) -> None:
        with unavailable_when_down():
            async with self._gateway.pool.acquire() as conn:
                known = await keys.by_ids(conn, list({one.signature.key_id for one in group}))
        unknown = list(
            dict.fromkeys(one.signature.key_id for one in group if one.signature.key_id not in known)
        )
        asked = unknown[:UNKNOWN_AT_ONCE]
        for found in await asyncio.gather(*(self._fetch(key_id) for key_id in asked)):
            if found is not None:
                known[found.id] = found
        verified = [fetch for one in group if (fetch := self._verified(one, known)) is not None]
        if verified:
            with unavailable_when_down():
                async with self._gateway.pool.acquire() as conn:
                    await fetches.record(conn, verified)
        self._remember((one.host, one.object_uri) for one in verified)
        left = set(unknown[UNKNOWN_AT_ONCE:])
        self._wait_again([one for one in group if one.signature.key_id in left])

    async def _fetch(self, key_id: str) -> KnownKey | None:
        try:
            async with asyncio.timeout(KEY_SECONDS):
                return await self._gateway.resolver.key(key_id)
        except (Rejected, RemoteUnavailable, TimeoutError) as error:
            log.info("fetcher_unknown", key=key_id, error=f"{type(error).__name__}: {error}"[:200])
            return None

    def _verified(self, claim: Claim, known: dict[str, KnownKey]) -> Fetch | None:
        key = known.get(claim.signature.key_id)
        if key is None or key.actor_local or key.actor_gone:
            return None
        public = PublicKey(id=key.id, owner=key.actor_uri, algorithm=key.algorithm, der=key.der)
        try:
            verify(
                claim.signature,
                claim.request,
                public,
                origin=self._gateway.site.uris.origin,
                now=claim.at,
            )
        except Rejected as refusal:
            log.info("fetch_not_recorded", object=claim.object_uri, reason=refusal.reason)
            return None
        return Fetch(object_uri=claim.object_uri, host=host_of(key.actor_uri), actor_id=key.actor_id)

    def _remember(self, pairs: Iterable[tuple[str, str]]) -> None:
        for pair in pairs:
            self._written[pair] = None
        while len(self._written) > REMEMBERED:
            self._written.popitem(last=False)

    def _wait_again(self, group: Sequence[Claim]) -> None:
        room = max(WAITING - len(self._waiting), 0)
        self._waiting.extendleft(reversed(group[:room]))
        metrics.fetches_unrecorded.inc(len(group[room:]))


LEDGER: web.AppKey[FetchLedger] = web.AppKey("fetch_ledger", FetchLedger)
"""Who fetched what."""


async def keep_ledger(app: web.Application) -> AsyncIterator[None]:
    """Keep the ledger for as long as the application runs."""
    app[LEDGER] = FetchLedger(app[GATEWAY])
    keeping = asyncio.create_task(app[LEDGER].run(), name="fetch ledger")
    yield
    keeping.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await keeping
    await app[LEDGER].finish()
