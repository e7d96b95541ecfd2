"""What an answer means, for the delivery and for its host."""

from datetime import UTC, datetime, timedelta

import pytest

from services.fanout_deliverer.courier import Answer, manners, may_be_the_signature
from services.fanout_deliverer.outcomes import report_of
from services.fanout_deliverer.recorder import Report
from services.fanout_deliverer.signers import Manner
from shared.database.deliveries import State
from shared.database.hosts import Host, Success, Trouble
from shared.protocol.errors import Rejected
from shared.protocol.messages import Delivery, Target
from shared.remote.errors import AddressBlocked, RemoteUnavailable, TimedOut

BIRCH = "birch.example"
NOW = datetime.now(UTC)
KNOWN = Host(host=BIRCH, scheme="cavage", scheme_checked_at=NOW, last_success_at=NOW)


def _report(
    host: Host = KNOWN,
    *,
    status: int | None = None,
    failure: Rejected | RemoteUnavailable | None = None,
    retry_after: float | None = None,
    attempt: int = 1,
) -> Report:
    target = Target(inbox=f"https://{BIRCH}/inbox", shared=True, attempt=attempt)
    delivery = Delivery(
        activity_id="https://loom.example/1",
        activity_type="Create",
        actor_id=1,
        body=b"{}",
        targets=(target,),
        created_at=NOW,
        trace="",
    )
    answer = Answer(
        manner=Manner.CAVAGE,
        seconds=0.1,
        latency=0.1,
        status=status,
        failure=failure,
        retry_after=retry_after,
    )
    return report_of(delivery, target, host, answer, NOW)


def test_host_that_keeps_answering_is_not_written_down_each_time() -> None:
    """A delivery to a healthy host writes its own row only; the first one, or a new scheme, is news."""
    assert _report(status=202).event is None
    assert isinstance(_report(Host(host=BIRCH), status=202).event, Success)


@pytest.mark.parametrize("failure", [TimedOut("late"), None])
def test_trouble_of_the_host_leaves_its_deliveries_due_with_it(failure: TimedOut | None) -> None:
    """What a failing host did not take is due whenever the host is tried, so that order holds."""
    report = _report(status=None if failure else 503, failure=failure)
    assert (report.progress.state, report.progress.next_try_at) == (State.PARKED, None)
    assert isinstance(report.event, Trouble)


def test_plain_500_makes_the_delivery_wait_longer_than_its_host() -> None:
    """After a plain 500 others are tried before the delivery that may have caused it."""
    report = _report(status=500)
    assert isinstance(report.event, Trouble)
    assert report.progress.next_try_at is not None
    assert report.progress.next_try_at > report.event.next_try_at


def test_refused_signature_holds_no_host() -> None:
    """A 401 parks one delivery, for our key may have been out of reach; the host is not held."""
    report = _report(status=401)
    assert (report.progress.state, report.event) == (State.PARKED, None)


def test_failing_host_that_refuses_is_alive() -> None:
    """A host that was failing and now refuses a delivery is no longer failing."""
    failing = Host(host=BIRCH, failures=3, next_try_at=NOW)
    report = _report(failing, status=422)
    assert report.progress.state is State.DEAD
    assert isinstance(report.event, Success)


def test_pauses_grow_with_the_failures_of_the_host() -> None:
    """Each failure in a row makes the next pause longer."""
    pauses = []
    for failures in range(8):
        event = _report(Host(host=BIRCH, failures=failures), status=503).event
        assert isinstance(event, Trouble)
        pauses.append(event.next_try_at)
    assert pauses == sorted(pauses)
    assert pauses[-1] - NOW > timedelta(hours=4)


def test_what_may_never_be_asked_for_is_given_up() -> None:
    """An inbox at a blocked address is given up at once."""
    report = _report(failure=AddressBlocked("private"))
    assert (report.progress.state, report.progress.reason) == (State.DEAD, "address_blocked")


def test_first_knock_is_cavage_unless_the_host_has_shown_otherwise() -> None:
    """An unknown host gets the scheme that all understand; a known one gets its own."""
    assert manners(Host(host=BIRCH)) == (Manner.CAVAGE, Manner.RFC9421)
    assert manners(Host(host=BIRCH, scheme="rfc9421")) == (Manner.RFC9421, Manner.CAVAGE)


def test_ed25519_is_for_those_who_take_it() -> None:
    """It is tried first where a host showed that it can, with what is known to work behind it."""
    able = Host(host=BIRCH, scheme="rfc9421", takes_ed25519=True)
    assert manners(able) == (Manner.ED25519, Manner.RFC9421, Manner.CAVAGE)
    proven = Host(host=BIRCH, scheme="ed25519", takes_ed25519=True)
    assert manners(proven) == (Manner.ED25519, Manner.CAVAGE, Manner.RFC9421)


@pytest.mark.parametrize(
    ("status", "host", "second"),
    [
        (401, KNOWN, True),
        (404, Host(host=BIRCH), True),
        (404, KNOWN, False),
        (410, Host(host=BIRCH, scheme="cavage", scheme_checked_at=NOW - timedelta(days=2)), True),
        (500, Host(host=BIRCH), False),
        (202, Host(host=BIRCH), False),
    ],
)
def test_second_knock_is_for_answers_about_the_signature(status: int, host: Host, second: bool) -> None:
    """A second scheme is tried where the answer may be about the first, and is not proven otherwise."""
    assert may_be_the_signature(status, Manner.CAVAGE, host, NOW) is second
