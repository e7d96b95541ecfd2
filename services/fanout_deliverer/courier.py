"""One POST to one inbox: signed at this moment, knocked a second time where the signature may be at fault."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from msgspec import Struct

from services.fanout_deliverer.signers import Manner, Signers
from shared.database.hosts import Host
from shared.protocol.errors import Rejected
from shared.protocol.local_uris import LocalUris
from shared.protocol.messages import Delivery, Target
from shared.protocol.synchronization import HEADER, Synchronization, write_synchronization
from shared.remote.client import DEADLINE, GuardedClient
from shared.remote.errors import RemoteUnavailable
from shared.remote.exchange import PostResult
from shared.telemetry import metrics

PROVEN_FOR = timedelta(days=1)
"""How long a host that took a scheme is believed about anything but the signature itself."""

_SIGNATURE_REFUSED = frozenset({401, 403})
_MAY_MEAN_THE_SIGNATURE = frozenset({400, 404, 410})
_SUCCESS = range(200, 300)


class Answer(Struct, frozen=True, kw_only=True):
    """How an attempt ended: with a status, or with the failure that came instead of one.

    `manner` is the one that was taken, or the one that is tried first; `ed25519_refused` where that was
    Ed25519 and another was taken. `seconds` is how long all of it took;
    `latency` how long the host took over the last request, without what we took ourselves.
    """

    manner: Manner
    seconds: float
    latency: float
    status: int | None = None
    retry_after: float | None = None
    failure: Rejected | RemoteUnavailable | None = None
    ed25519_refused: bool = False

    @property
    def accepted(self) -> bool:
        """Whether the delivery arrived."""
        return self.status in _SUCCESS


def manners(host: Host) -> tuple[Manner, ...]:
    """Return how to sign for a host, in the order of the knocks.

    What it took before comes first, else cavage, which all of the field understand. Where Ed25519 may be
    taken it is tried before, for it costs a tenth.
    """
    return _manners(host.scheme, host.takes_ed25519)


@lru_cache(maxsize=64)
def _manners(scheme: str, takes_ed25519: bool) -> tuple[Manner, ...]:
    known = Manner(scheme) if scheme else Manner.CAVAGE
    if known is Manner.ED25519:
        return Manner.ED25519, Manner.CAVAGE, Manner.RFC9421
    other = Manner.RFC9421 if known is Manner.CAVAGE else Manner.CAVAGE
    return (Manner.ED25519, known, other) if takes_ed25519 else (known, other)


def may_be_the_signature(status: int, manner: Manner, host: Host, now: datetime) -> bool:
    """Tell whether an answer may be about how we signed, so that another manner is worth a try.

    Servers in secure mode answer 404 to a signature that they dislike. Where the manner is proven, such
    an answer means what it says.
    """
    if status in _SIGNATURE_REFUSED:
        return True
    checked = host.scheme_checked_at
    proven = host.scheme == manner and checked is not None and now - checked < PROVEN_FOR
    return status in _MAY_MEAN_THE_SIGNATURE and not proven


class Courier:
    """Brings deliveries to inboxes.

    Args:
        client: The guarded client.
        signers: Who signs; the actors must be loaded.
        uris: Where others read who of theirs follows.
        deadline: Seconds for an attempt, all knocks together.
    """

    def __init__(
        self, client: GuardedClient, signers: Signers, uris: LocalUris, *, deadline: float = DEADLINE
    ) -> None:
        self._client = client
        self._signers = signers
        self._uris = uris
        self._deadline = deadline

    async def bring(self, delivery: Delivery, target: Target, host: Host) -> Answer:
        """Post once, or again with another signature; never raises for what the other side does."""
        begun = time.monotonic()
        first, *others = manners(host)
        try:
            result = await self._post(delivery, target, first, self._deadline)
        except (Rejected, RemoteUnavailable) as failure:
            seconds = time.monotonic() - begun
            return Answer(manner=first, seconds=seconds, latency=seconds, failure=failure)
        taken, refused = first, result.status
        if refused not in _SUCCESS and may_be_the_signature(refused, first, host, datetime.now(UTC)):
            until = begun + self._deadline
            again = await self._knock_again(delivery, target, host, others, until)
            taken, result = again or (first, result)
        return Answer(
            manner=taken,
            seconds=time.monotonic() - begun,
            latency=result.seconds,
            status=result.status,
            retry_after=result.retry_after,
            ed25519_refused=first is Manner.ED25519 and taken is not first and result.status in _SUCCESS,
        )

    async def _knock_again(
        self, delivery: Delivery, target: Target, host: Host, others: Sequence[Manner], until: float
    ) -> tuple[Manner, PostResult] | None:
        """Return how the delivery was taken after all, or what the host says to what it took before.

        None where the first answer stands.
        """
        for manner in others:
            try:
                result = await self._post(delivery, target, manner, until - time.monotonic())
            except (Rejected, RemoteUnavailable):
                return None
            if result.status in _SUCCESS:
                return manner, result
            if not may_be_the_signature(result.status, manner, host, datetime.now(UTC)):
                return (manner, result) if host.scheme == manner else None
        return None

    async def _post(self, delivery: Delivery, target: Target, manner: Manner, deadline: float) -> PostResult:
        signer = self._signers.signer(delivery.actor_id, manner)
        headers = self._synchronization(delivery, target) if target.followers else ()
        begun = time.monotonic()
        try:
            return await self._client.post(
                target.inbox, delivery.body, headers, sign=signer, deadline=deadline
            )
        finally:
            metrics.delivery_seconds.observe(time.monotonic() - begun)

    def _synchronization(self, delivery: Delivery, target: Target) -> tuple[tuple[str, str], ...]:
        said = Synchronization(
            collection=self._uris.followers(delivery.actor_id),
            url=self._uris.followers_synchronization(delivery.actor_id),
            digest=target.followers,
        )
        return ((HEADER, write_synchronization(said)),)
