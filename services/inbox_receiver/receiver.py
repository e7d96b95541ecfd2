"""The inbox: take a request in or say why not; what it means is for the verifier to judge."""

import math
from collections.abc import Container
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web

from services.inbox_receiver import refusal
from services.inbox_receiver.body import BodyReader
from services.inbox_receiver.form import check_head
from services.inbox_receiver.journal import Journal
from services.inbox_receiver.rate import RateLimit, address_of
from services.inbox_receiver.refusal import Refusal
from shared.protocol.envelope import peek
from shared.protocol.errors import Malformed, Unavailable
from shared.protocol.identifiers import host_of
from shared.protocol.messages import ReceivedRequest
from shared.protocol.wire import TooManyEntries
from shared.queue.gathering import GatheringPublisher
from shared.signatures.form import examine_form, signed_headers
from shared.signatures.refused import Refused
from shared.telemetry import metrics
from shared.telemetry.logging import new_trace

log = structlog.get_logger(__name__)

_UNKNOWN: Final = "unknown"
_KEPT: Final = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    }
)
_taken_in: Final = metrics.inbox_requests.labels("202")


class Receiver:
    """Answers every request of the inboxes: 202 after the confirm, or a refusal with its reason.

    Args:
        publisher: Puts what was taken in on `inbox.received`.
        blocklist: Suspended hosts.
        rate: The bound on requests of one address.
        bodies: Reads bodies.
        journal: Keeps refusals of what was an activity, or should have been one.
    """

    def __init__(
        self,
        publisher: GatheringPublisher[ReceivedRequest],
        blocklist: Container[str],
        rate: RateLimit,
        bodies: BodyReader,
        journal: Journal,
    ) -> None:
        self._publisher = publisher
        self._blocklist = blocklist
        self._rate = rate
        self._bodies = bodies
        self._journal = journal

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        trace = new_trace()
        address = address_of(request.remote or "", request.headers.get("X-Forwarded-For", ""))
        try:
            received = await self._take_in(request, trace, address)
            await self._publish(received)
        except Refusal as refused:
            if refused.status in _KEPT:
                self._journal.note(
                    activity=refused.activity,
                    actor=refused.actor,
                    reason=refused.reason,
                    detail=refused.detail,
                    trace=trace,
                )
            return _refused(refused, request, trace, address)
        _taken_in.inc()
        log.debug(
            "activity_received",
            trace=trace,
            activity=received.activity_id,
            type=received.activity_type,
            actor=received.actor,
        )
        return web.Response(status=HTTPStatus.ACCEPTED)

    async def _take_in(self, request: web.BaseRequest, trace: str, address: str) -> ReceivedRequest:
        """Return what is worth queueing; raises Refusal."""
        check_head(request.method, request.raw_path, request.headers)
        self._check_rate(address)
        body = await self._bodies.read(request)
        received_at = datetime.now(UTC)
        try:
            envelope = peek(body)
        except TooManyEntries as error:
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, error.reason, error.detail) from error
        except Malformed as error:
            raise Refusal(HTTPStatus.BAD_REQUEST, error.reason, error.detail) from error
        headers = tuple((name.lower(), value) for name, value in request.headers.items())
        try:
            claim = examine_form(headers, request.method, body, received_at)
            self._check_blocked(envelope.actor, claim.key_id)
        except Refused as error:
            refused = Refusal(HTTPStatus.UNAUTHORIZED, error.reason, error.detail)
            raise refused.about(envelope) from error
        except Refusal as refused:
            raise refused.about(envelope) from None
        return ReceivedRequest(
            method=request.method,
            target=request.raw_path,
            headers=signed_headers(headers, claim),
            body=body,
            received_at=received_at,
            trace=trace,
            activity_id=envelope.id,
            activity_type=envelope.type,
            actor=envelope.actor,
            address=address,
        )

    async def _publish(self, received: ReceivedRequest) -> None:
        try:
            await self._publisher.publish(received)
        except Unavailable as error:
            raise refusal.try_again_later(error.reason, "The activity could not be kept.") from error

    def _check_rate(self, address: str) -> None:
        wait = self._rate.wait_of(address)
        if wait:
            headers = {"Retry-After": str(math.ceil(wait))}
            detail = "Too many requests from your address."
            raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, "rate_limited", detail, headers)

    def _check_blocked(self, *uris: str) -> None:
        if any(host_of(uri) in self._blocklist for uri in uris):
            raise Refusal(HTTPStatus.FORBIDDEN, "domain_blocked", "This server takes nothing from yours.")


def _refused(refused: Refusal, request: web.BaseRequest, trace: str, address: str) -> web.Response:
    metrics.inbox_requests.labels(str(int(refused.status))).inc()
    metrics.activities_rejected.labels(refused.reason).inc()
    log.info(
        "inbox_refused",
        trace=trace,
        status=int(refused.status),
        reason=refused.reason,
        detail=refused.detail,
        address=address or _UNKNOWN,
        target=request.raw_path[:200],
    )
    return refusal.answer(refused, trace)
