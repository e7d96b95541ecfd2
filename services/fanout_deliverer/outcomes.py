"""From an answer to what is recorded, without any I/O."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from services.fanout_deliverer.courier import Answer
from services.fanout_deliverer.recorder import Report
from shared.database.deliveries import Progress, State
from shared.database.hosts import Host, Success, Trouble
from shared.database.retired_inboxes import Gone
from shared.policy.retry import Dead, Delivered, Outcome, Park, delay_of, outcome_of
from shared.protocol.errors import Rejected
from shared.protocol.identifiers import host_of
from shared.protocol.messages import Delivery, Target
from shared.remote.errors import RemoteUnavailable

NEWS_AFTER = timedelta(minutes=10)
"""A host that keeps answering is not written down more often than this."""

SLOW = "host_slow"
"""The reason of what is parked because its host takes too long over the rest."""

_NOT_FOUND, _GONE = 404, 410
_SERVER_ERROR = 500
_HOST_ITSELF = frozenset({408, 425, 429, 502, 503, 504})
"""Statuses that say nothing of the delivery: the host is away, or has had enough."""


def outcome_for(answer: Answer, target: Target, now: datetime) -> Outcome:
    """Return what an answer means for the delivery."""
    if isinstance(answer.failure, Rejected):
        return Dead(reason=answer.failure.reason)
    return outcome_of(
        answer.status,
        target.attempt,
        now,
        answer.retry_after,
        shared=target.shared,
        reason=answer.failure.reason if answer.failure is not None else "",
    )


def is_about_the_host(answer: Answer) -> bool:
    """Tell whether a failure would have met any other delivery to this host as well."""
    return isinstance(answer.failure, RemoteUnavailable) or answer.status in _HOST_ITSELF


def report_of(delivery: Delivery, target: Target, host: Host, answer: Answer, now: datetime) -> Report:
    """Return what is recorded of an attempt, for the delivery and for its host."""
    outcome = outcome_for(answer, target, now)
    match outcome:
        case Delivered():
            progress = _progress(delivery, target, State.DELIVERED, answer)
            return Report(host=host.host, progress=progress, event=_success(host, answer, now))
        case Dead(reason=reason):
            progress = replace(_progress(delivery, target, State.DEAD, answer), reason=reason)
            event, gone = _sign_of_life(host, answer, now), _gone(target, host, answer, now)
            return Report(host=host.host, progress=progress, event=event, gone=gone)
        case Park():
            return _parked(delivery, target, host, answer, outcome)


def _parked(delivery: Delivery, target: Target, host: Host, answer: Answer, park: Park) -> Report:
    """Park one delivery, and hold its host until a probe unless only this delivery is at fault.

    Where the host is at fault, the delivery is due whenever the host is tried: the oldest one is the probe,
    and order holds. Where it may be the delivery (a plain 500), others are to try before it does again.
    """
    now = datetime.now(UTC)
    progress = replace(_progress(delivery, target, State.PARKED, answer), reason=park.reason)
    probe_at = now + delay_of(host.failures + 1)
    if is_about_the_host(answer):
        probe_at = park.until if answer.retry_after is not None else probe_at
    else:
        progress = replace(progress, next_try_at=max(park.until, now + delay_of(target.attempt + 1)))
    if answer.status is not None and answer.status < _SERVER_ERROR and not is_about_the_host(answer):
        alive = _sign_of_life(host, answer, now)
        return Report(host=host.host, progress=progress, event=alive, look_at=progress.next_try_at)
    trouble = Trouble(host=host.host, error=park.reason, at=now, next_try_at=probe_at)
    return Report(host=host.host, progress=progress, event=trouble, look_at=probe_at)


def _gone(target: Target, host: Host, answer: Answer, now: datetime) -> Gone | None:
    """Return that an inbox is gone; 404 says so of somebody's own only, a shared one may be a mishap."""
    if answer.status != _GONE and (target.shared or answer.status != _NOT_FOUND):
        return None
    return Gone(inbox=target.inbox, host=host.host, shared=target.shared, at=now)


def _success(host: Host, answer: Answer, now: datetime) -> Success | None:
    """Return what is new about a host that took a delivery; for most of them nothing is."""
    last = host.last_success_at
    news = host.failures > 0 or host.scheme != answer.manner or last is None or now - last > NEWS_AFTER
    news = news or answer.ed25519_refused
    if not news:
        return None
    return Success(
        host=host.host,
        scheme=answer.manner,
        at=now,
        seconds=answer.latency,
        ed25519_refused=answer.ed25519_refused,
    )


def _sign_of_life(host: Host, answer: Answer, now: datetime) -> Success | None:
    """Return that a host that was failing answers again, even if it refuses this delivery."""
    return Success(host=host.host, scheme="", at=now) if host.failures and answer.status is not None else None


def put_aside(delivery: Delivery, target: Target, reason: str, until: datetime) -> Report:
    """Return the record of a delivery that is parked without a try, until its host is looked at again."""
    progress = Progress(
        activity_uri=delivery.activity_id, inbox=target.inbox, state=State.PARKED, tried=False, reason=reason
    )
    host = host_of(target.inbox)
    return Report(host=host, progress=progress, look_at=until, slow=reason == SLOW)


def superseded(delivery: Delivery, target: Target) -> Report:
    """Return the record of a delivery that a newer one has made pointless."""
    progress = Progress(
        activity_uri=delivery.activity_id,
        inbox=target.inbox,
        state=State.SUPERSEDED,
        tried=False,
        reason="superseded",
    )
    return Report(host=host_of(target.inbox), progress=progress)


def refused(delivery: Delivery, target: Target, reason: str) -> Report:
    """Return the record of a delivery that is given up without a try."""
    progress = Progress(
        activity_uri=delivery.activity_id, inbox=target.inbox, state=State.DEAD, tried=False, reason=reason
    )
    return Report(host=host_of(target.inbox), progress=progress)


def _progress(delivery: Delivery, target: Target, state: State, answer: Answer) -> Progress:
    return Progress(activity_uri=delivery.activity_id, inbox=target.inbox, state=state, status=answer.status)
