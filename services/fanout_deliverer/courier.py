"""One POST to one inbox: signed at this moment, knocked a second time where the signature may be at fault."""

import time
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from services.fanout_deliverer.signers import Signers
from shared.database.hosts import Host
from shared.protocol.errors import Rejected
from shared.protocol.local_uris import LocalUris
from shared.protocol.messages import Delivery, Target
from shared.protocol.synchronization import HEADER, Synchronization, write_synchronization
from shared.remote.client import DEADLINE, GuardedClient
from shared.remote.errors import RemoteUnavailable
from shared.remote.exchange import PostResult
from shared.signatures.request import Scheme
from shared.telemetry import metrics

PROVEN_FOR = timedelta(days=1)
"""How long a host that took a scheme is believed about anything but the signature itself."""

_SIGNATURE_REFUSED = frozenset({401, 403})
_MAY_MEAN_THE_SIGNATURE = frozenset({400, 404, 410})
_SUCCESS = range(200, 300)


class Answer(Struct, frozen=True, kw_only=True):
    """How an attempt ended: with a status, or with the failure that came instead of one.

    `scheme` is the one that was taken, or the one that is tried first. `seconds` is how long all of it took;
    `latency` how long the host took over the last request, without what we took ourselves.
    """

    scheme: Scheme
    seconds: float
    latency: float
    status: int | None = None
    retry_after: float | None = None
    failure: Rejected | RemoteUnavailable | None = None

    @property
    def accepted(self) -> bool:
        """Whether the delivery arrived."""
        return self.status in _SUCCESS


def first_scheme(host: Host) -> Scheme:
    """Return how to sign for a host: as it has taken it before, else as all of the field understand it."""
    return Scheme(host.scheme) if host.scheme else Scheme.CAVAGE


def other_scheme(scheme: Scheme) -> Scheme:
    """Return the scheme to knock with a second time."""
    return Scheme.RFC9421 if scheme is Scheme.CAVAGE else Scheme.CAVAGE


def may_be_the_signature(status: int, host: Host, now: datetime) -> bool:
    """Tell whether an answer may be about how we signed, so that another scheme is worth a try.

    Servers in secure mode answer 404 to a signature that they dislike. Where the scheme is proven, such
    an answer means what it says.
    """
    if status in _SIGNATURE_REFUSED:
        return True
    checked = host.scheme_checked_at
    proven = bool(host.scheme) and checked is not None and now - checked < PROVEN_FOR
    return status in _MAY_MEAN_THE_SIGNATURE and not proven


class Courier:
    """Brings deliveries to inboxes.

    Args:
        client: The guarded client.
        signers: Who signs; the actors must be loaded.
        uris: Where others read who of theirs follows.
        deadline: Seconds for an attempt, both knocks together.
    """

    def __init__(
        self, client: GuardedClient, signers: Signers, uris: LocalUris, *, deadline: float = DEADLINE
    ) -> None:
        self._client = client
        self._signers = signers
        self._uris = uris
        self._deadline = deadline

    async def bring(self, delivery: Delivery, target: Target, host: Host) -> Answer:
        """Post once, or twice; never raises for what the other side does."""
        begun = time.monotonic()
        scheme = first_scheme(host)
        try:
            result = await self._post(delivery, target, scheme, self._deadline)
        except (Rejected, RemoteUnavailable) as failure:
            seconds = time.monotonic() - begun
            return Answer(scheme=scheme, seconds=seconds, latency=seconds, failure=failure)
        if result.status not in _SUCCESS and may_be_the_signature(result.status, host, datetime.now(UTC)):
            left = self._deadline - (time.monotonic() - begun)
            second = await self._second_knock(delivery, target, other_scheme(scheme), left)
            if second is not None:
                scheme, result = other_scheme(scheme), second
        return Answer(
            scheme=scheme,
            seconds=time.monotonic() - begun,
            latency=result.seconds,
            status=result.status,
            retry_after=result.retry_after,
        )

    async def _second_knock(
        self, delivery: Delivery, target: Target, scheme: Scheme, deadline: float
    ) -> PostResult | None:
        """Return the answer to another signature if the delivery was taken; else the first answer stands."""
        try:
            result = await self._post(delivery, target, scheme, deadline)
        except (Rejected, RemoteUnavailable):
            return None
        return result if result.status in _SUCCESS else None

    async def _post(self, delivery: Delivery, target: Target, scheme: Scheme, deadline: float) -> PostResult:
        signer = self._signers.signer(delivery.actor_id, scheme)
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
