"""The inbox: take a request in or say why not; what it means is for the verifier to judge."""

import logging
import math
from collections.abc import Callable, Container
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Final

import structlog

from services.inbox_receiver import refusal
from services.inbox_receiver.form import check_head
from services.inbox_receiver.journal import Journal
from services.inbox_receiver.messages import ACCEPTED, Answer, Request
from services.inbox_receiver.rate import RateLimit
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

log = structlog.get_logger(__name__)

Reply = Callable[[Answer], None]

_UNKNOWN: Final = "unknown"
_OF_AN_ACTIVITY: Final = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    }
)
count_taken_in: Final[Callable[[int], None]] = metrics.inbox_requests.labels("202").inc
"""Counts requests answered with 202, a message at a time: one by one it costs as much as a check."""


class Receiver:
    """Answers every request of the inboxes: 202 after the confirm, or a refusal with its reason.

    Args:
        publisher: Puts what was taken in on `inbox.received`, and has it counted there.
        blocklist: Suspended hosts.
        rate: The bound on requests of one address.
        journal: Keeps refusals.
    """

    def __init__(
        self,
        publisher: GatheringPublisher[ReceivedRequest],
        blocklist: Container[str],
        rate: RateLimit,
        journal: Journal,
    ) -> None:
        self._publisher = publisher
        self._blocklist = blocklist
        self._rate = rate
        self._journal = journal
        self._tells_all: bool = log.is_enabled_for(logging.DEBUG)

    def admit(self, request: Request) -> None:
        """Judge a head, before a byte of the body is read; raises Refusal."""
        check_head(request.method, request.target, request.fields)
        wait = self._rate.wait_of(request.address)
        if wait:
            headers = {"Retry-After": str(math.ceil(wait))}
            detail = "Too many requests from your address."
            raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, "rate_limited", detail, headers)

    def receive(self, request: Request, body: bytes, reply: Reply) -> None:
        """Take a request in and reply, now or after the confirm."""
        try:
            received = self._take_in(request, body)
            self._publisher.submit(received, partial(self._published, request, received, reply))
        except Refusal as refused:
            reply(self.refuse(refused, request))
        except Unavailable as error:
            reply(self.refuse(_not_kept(error), request))

    def refuse(self, refused: Refusal, request: Request) -> Answer:
        """Count and log a refusal, have it kept so that it can be looked up, and return the answer."""
        self._journal.note(
            activity=refused.activity,
            actor=refused.actor,
            reason=refused.reason,
            detail=refused.detail,
            trace=request.trace,
            other=refused.status not in _OF_AN_ACTIVITY,
        )
        metrics.inbox_requests.labels(str(int(refused.status))).inc()
        metrics.activities_rejected.labels(refused.reason).inc()
        log.info(
            "inbox_refused",
            trace=request.trace,
            status=int(refused.status),
            reason=refused.reason,
            detail=refused.detail,
            address=request.address or _UNKNOWN,
            target=request.target[:200],
        )
        return refusal.answer(refused, request.trace)

    def _take_in(self, request: Request, body: bytes) -> ReceivedRequest:
        """Return what is worth queueing; raises Refusal."""
        received_at = datetime.now(UTC)
        try:
            envelope = peek(body)
        except TooManyEntries as error:
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, error.reason, error.detail) from error
        except Malformed as error:
            raise Refusal(HTTPStatus.BAD_REQUEST, error.reason, error.detail) from error
        try:
            claim = examine_form(request.headers, request.method, body, received_at)
            self._check_blocked(envelope.actor, claim.key_id)
        except Refused as error:
            refused = Refusal(HTTPStatus.UNAUTHORIZED, error.reason, error.detail)
            raise refused.about(envelope) from error
        except Refusal as refused:
            raise refused.about(envelope) from None
        return ReceivedRequest(
            method=request.method,
            target=request.target,
            headers=signed_headers(request.headers, claim),
            body=body,
            received_at=received_at,
            trace=request.trace,
            activity_id=envelope.id,
            activity_type=envelope.type,
            actor=envelope.actor,
            address=request.address,
        )

    def _published(
        self, request: Request, received: ReceivedRequest, reply: Reply, error: BaseException | None
    ) -> None:
        if error is not None:
            if not isinstance(error, Unavailable):
                log.error("publish_failed", trace=request.trace, exc_info=error)
            reply(self.refuse(_not_kept(error), request))
            return
        if self._tells_all:
            log.debug(
                "activity_received",
                trace=request.trace,
                activity=received.activity_id,
                type=received.activity_type,
                actor=received.actor,
            )
        reply(ACCEPTED)

    def _check_blocked(self, actor: str, key_id: str) -> None:
        blocklist, host, signer = self._blocklist, host_of(actor), host_of(key_id)
        if host in blocklist or (signer != host and signer in blocklist):
            raise Refusal(HTTPStatus.FORBIDDEN, "domain_blocked", "This server takes nothing from yours.")


def _not_kept(error: BaseException) -> Refusal:
    reason = error.reason if isinstance(error, Unavailable) else "internal_error"
    return refusal.try_again_later(reason, "The activity could not be kept.")
