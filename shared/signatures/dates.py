"""When a request was signed: HTTP dates and the window in which a signature counts."""

import re
from calendar import timegm
from functools import lru_cache

from shared.signatures.refused import Reason, Refused

PAST = 12 * 3600
"""Seconds that a signature may be older than its arrival."""

FUTURE = 3600
"""Seconds that a signer's clock may be ahead."""

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}
_HTTP_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{1,2}) ([A-Z][a-z]{2}) ([0-9]{4}) "
    r"([0-9]{2}):([0-9]{2}):([0-9]{2}) (?:GMT|UTC|\+0000)"
)
_LONGEST_MONTH, _LAST_HOUR, _LAST_MINUTE, _LEAP_SECOND = 31, 23, 59, 60


@lru_cache(maxsize=4096)
def read_date(text: str) -> int:
    """Return the Unix time of an IMF-fixdate (RFC 9110 section 5.6.7); raises Refused.

    One-digit days and `+0000` are taken too: Java's and Rust's formatters write them.
    """
    match = _HTTP_DATE.fullmatch(text.strip(" \t")) if len(text) < 64 else None  # noqa: PLR2004 - a bound
    month = _MONTHS.get(match[2]) if match else None
    if match is None or month is None:
        raise Refused(Reason.DATE_MALFORMED)
    day, hour, minute, second = int(match[1]), int(match[4]), int(match[5]), int(match[6])
    if not 1 <= day <= _LONGEST_MONTH or hour > _LAST_HOUR or minute > _LAST_MINUTE or second > _LEAP_SECOND:
        raise Refused(Reason.DATE_MALFORMED)
    try:
        return timegm((int(match[3]), month, day, hour, minute, second))
    except ValueError:
        raise Refused(Reason.DATE_MALFORMED) from None


def check_window(signed_at: float, now: float) -> None:
    """Refuse what was signed too long ago or in the future; both are Unix times."""
    if not now - PAST <= signed_at <= now + FUTURE:
        raise Refused(Reason.DATE_OUT_OF_WINDOW, f"signed {now - signed_at:.0f} s before it arrived")


def check_expiry(created: float | None, expires: float | None, now: float) -> None:
    """Refuse a signature that had expired when it arrived, or that never was valid."""
    if expires is not None and (expires < now or (created is not None and expires < created)):
        raise Refused(Reason.EXPIRED, f"expired {now - expires:.0f} s before it arrived")
