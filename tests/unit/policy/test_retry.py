"""What an answer means for a delivery: delivered, parked with a time, or dead with a reason."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.policy.retry import (
    LIFETIME,
    MAX_ATTEMPTS,
    MAX_RETRY_AFTER,
    Dead,
    Delivered,
    Park,
    delay_of,
    outcome_of,
)

_NOW = datetime(2026, 9, 14, 10, 21, 34, tzinfo=UTC)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_success_is_delivered(status: int) -> None:
    """Any answer of the 200s means that the other side has it."""
    assert outcome_of(status, 1, _NOW) == Delivered()


@pytest.mark.parametrize("status", [None, 500, 502, 503, 504, 429, 408, 425, 401, 301, 302])
def test_passing_trouble_is_parked(status: int | None) -> None:
    """What may pass is tried again later."""
    outcome = outcome_of(status, 1, _NOW)
    assert isinstance(outcome, Park)
    assert outcome.until > _NOW


@pytest.mark.parametrize("status", [400, 403, 404, 405, 406, 413, 415, 422, 501])
def test_refusal_is_final(status: int) -> None:
    """What will not change is not tried again, and says which answer it was."""
    assert outcome_of(status, 1, _NOW) == Dead(reason=f"http_{status}")


def test_gone_speaks_for_the_host_only_at_the_shared_inbox() -> None:
    """410 at one person's inbox says nothing about the others."""
    assert outcome_of(410, 1, _NOW) == Dead(reason="inbox_gone")
    assert outcome_of(410, 1, _NOW, shared=True) == Dead(reason="host_gone")


def test_schedule_lasts_seven_days_and_ends() -> None:
    """Even without jitter the last attempt comes seven days after the first; then it is over."""
    waited = sum((delay_of(attempt, lambda: 0.0) for attempt in range(1, MAX_ATTEMPTS)), timedelta())
    assert LIFETIME <= waited < LIFETIME * 1.25
    assert isinstance(outcome_of(503, MAX_ATTEMPTS - 1, _NOW), Park)
    assert outcome_of(503, MAX_ATTEMPTS, _NOW) == Dead(reason="http_503")
    assert outcome_of(None, MAX_ATTEMPTS, _NOW, reason="timed_out") == Dead(reason="timed_out")


def test_delays_grow() -> None:
    """Each wait is at least as long as the one before."""
    delays = [delay_of(attempt, lambda: 0.5) for attempt in range(1, MAX_ATTEMPTS + 5)]
    assert delays == sorted(delays)
    assert delays[0] < timedelta(minutes=2)


def test_a_doubted_signature_is_not_tried_for_days() -> None:
    """401 may pass while a key is fetched, but it ends long before an outage would."""
    assert isinstance(outcome_of(401, 1, _NOW), Park)
    assert outcome_of(401, 8, _NOW) == Dead(reason="http_401")
    assert isinstance(outcome_of(503, 8, _NOW), Park)


def test_retry_after_is_honoured_and_capped() -> None:
    """A server may ask for more patience, up to a day, and never for less than the schedule has."""

    def wait(retry_after: float) -> timedelta:
        outcome = outcome_of(429, 1, _NOW, retry_after, draw=lambda: 0.0)
        assert isinstance(outcome, Park)
        return outcome.until - _NOW

    assert wait(3600) == timedelta(hours=1)
    assert wait(10**9) == MAX_RETRY_AFTER
    assert wait(float("inf")) == MAX_RETRY_AFTER
    assert wait(1) == wait(-5) == wait(float("nan")) == delay_of(1, lambda: 0.0)


@settings(deadline=None)
@given(
    status=st.none() | st.integers(100, 999),
    attempt=st.integers(1, 100),
    retry_after=st.none() | st.floats(),
    draw=st.floats(0, 1),
    shared=st.booleans(),
)
def test_every_answer_has_an_outcome(
    *, status: int | None, attempt: int, retry_after: float | None, draw: float, shared: bool
) -> None:
    """No status, attempt or header is without a decision, and what is parked comes back within bounds."""
    outcome = outcome_of(status, attempt, _NOW, retry_after, shared=shared, draw=lambda: draw)
    if isinstance(outcome, Park):
        assert timedelta() < outcome.until - _NOW <= timedelta(hours=30)
        assert outcome.reason
