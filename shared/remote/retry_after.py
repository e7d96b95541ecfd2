"""The `Retry-After` header (RFC 9110 section 10.2.3): seconds, or a date."""

from datetime import datetime

from shared.signatures.dates import read_date
from shared.signatures.refused import Refused

_LONGEST = 7 * 86400.0
_MAX_DIGITS = 9


def read_retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds to wait from now, at most a week; None where nothing sensible was said."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS:
        return min(float(text), _LONGEST)
    try:
        return min(max(read_date(text) - now.timestamp(), 0.0), _LONGEST)
    except Refused:
        return None
