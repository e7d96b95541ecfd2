"""How the receiver says no: problem details that a server can read (RFC 9457, FEP-c180)."""

from http import HTTPStatus
from typing import Final, Self

import msgspec
from msgspec import Struct

from services.inbox_receiver.messages import Answer
from shared.protocol.envelope import Envelope
from shared.protocol.errors import Rejected

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER: Final = 5
"""Seconds after which another try is worth it, when we are the ones in trouble."""

_TYPES: Final = {
    HTTPStatus.FORBIDDEN: "https://w3id.org/fep/c180#actor-not-authorized",
    HTTPStatus.TOO_MANY_REQUESTS: "https://w3id.org/fep/c180#rate-limit-exceeded",
}


class Refusal(Rejected):
    """This request is not taken.

    Args:
        status: The answer's status.
        reason: A word from a fixed list, for metric, log and answer.
        detail: A sentence for a person at the other end.
        headers: Further headers of the answer.
    """

    def __init__(
        self, status: HTTPStatus, reason: str, detail: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail, reason=reason)
        self.status = status
        self.headers = headers or {}
        self.activity = ""
        self.actor = ""

    def about(self, envelope: Envelope) -> Self:
        """Return this refusal, which now knows what was refused."""
        self.activity, self.actor = envelope.id, envelope.actor
        return self


class _Problem(Struct, frozen=True, kw_only=True):
    """`trace` names the request in our log."""

    type: str
    title: str
    status: int
    detail: str
    reason: str
    trace: str


def answer(refusal: Refusal, trace: str) -> Answer:
    """Return the response for a refusal."""
    problem = _Problem(
        type=_TYPES.get(refusal.status, "about:blank"),
        title=refusal.status.phrase,
        status=refusal.status,
        detail=refusal.detail,
        reason=refusal.reason,
        trace=trace,
    )
    return Answer(
        refusal.status, {"Content-Type": MEDIA_TYPE, **refusal.headers}, msgspec.json.encode(problem)
    )


def try_again_later(reason: str, detail: str) -> Refusal:
    """Return the refusal for our own trouble: nothing is wrong with the request."""
    return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, reason, detail, {"Retry-After": str(RETRY_AFTER)})
