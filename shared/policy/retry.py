"""What becomes of a delivery after an attempt: a value, so that it can be tested without a network."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

LIFETIME: Final = timedelta(days=7)
"""How long a delivery is tried at least."""

MAX_RETRY_AFTER: Final = timedelta(days=1)
"""The longest wait that a server may ask for."""

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_SCHEDULE: Final = (
    1 * _MINUTE,
    5 * _MINUTE,
    15 * _MINUTE,
    30 * _MINUTE,
    1 * _HOUR,
    2 * _HOUR,
    4 * _HOUR,
    8 * _HOUR,
    12 * _HOUR,
    24 * _HOUR,
    24 * _HOUR,
    24 * _HOUR,
    24 * _HOUR,
    24 * _HOUR,
    24 * _HOUR,
)
MAX_ATTEMPTS: Final = len(_SCHEDULE) + 1
"""The last attempt comes a little more than seven days after the first."""

_JITTER: Final = 0.2
_DOUBTFUL_ATTEMPTS: Final = 8

_OK: Final = range(200, 300)
_UNAUTHORIZED: Final = 401
_GONE: Final = 410
_NOT_IMPLEMENTED: Final = 501
_CLIENT_ERROR: Final = range(400, 500)
_PASSING: Final = frozenset({408, 421, 425, 429})


class Delivered(Struct, frozen=True, kw_only=True, tag=True):
    """The other side has it."""


class Park(Struct, frozen=True, kw_only=True, tag=True):
    """Not now: to be tried again at `until`; `reason` is one word for the ledger."""

    until: datetime
    reason: str


class Dead(Struct, frozen=True, kw_only=True, tag=True):
    """Never: trying again changes nothing, or it has been tried for long enough."""

    reason: str


Outcome = Delivered | Park | Dead


def outcome_of(
    status: int | None,
    attempt: int,
    now: datetime,
    retry_after: float | None = None,
    *,
    shared: bool = False,
    reason: str = "",
    draw: Callable[[], float] = random.random,
) -> Outcome:
    """Decide what an attempt's answer means.

    Args:
        status: The HTTP status; None where there was no answer.
        attempt: Which attempt this was, counted from 1.
        now: When it ended.
        retry_after: Seconds that the server asked for; never shortens the schedule, capped at a day.
        shared: Whether the inbox is a shared one: only there does 410 speak for the whole host.
        reason: Why there was no answer, as one word.
        draw: A number from 0 to 1, for the jitter.
    """
    if status in _OK:
        return Delivered()
    why = reason or (f"http_{status}" if status else "no_answer")
    if status == _GONE:
        return Dead(reason="host_gone" if shared else "inbox_gone")
    if status is not None and _is_final(status):
        return Dead(reason=why)
    # A signature may be refused because our key could not be fetched just then, but not for days.
    doubtful = status == _UNAUTHORIZED and attempt >= _DOUBTFUL_ATTEMPTS
    if doubtful or attempt >= MAX_ATTEMPTS:
        return Dead(reason=why)
    return Park(until=now + _wait(attempt, retry_after, draw), reason=why)


def delay_of(attempt: int, draw: Callable[[], float] = random.random) -> timedelta:
    """Return how long to wait after an attempt, counted from 1: growing, with up to a fifth on top."""
    seconds = _SCHEDULE[min(max(attempt, 1), len(_SCHEDULE)) - 1]
    return timedelta(seconds=seconds * (1 + _JITTER * draw()))


def _wait(attempt: int, retry_after: float | None, draw: Callable[[], float]) -> timedelta:
    planned = delay_of(attempt, draw)
    if retry_after is None or not retry_after > 0:
        return planned
    asked = timedelta(seconds=min(retry_after, MAX_RETRY_AFTER.total_seconds()))
    return max(planned, asked)


def _is_final(status: int) -> bool:
    if status == _NOT_IMPLEMENTED:
        return True
    return status in _CLIENT_ERROR and status not in _PASSING and status != _UNAUTHORIZED
