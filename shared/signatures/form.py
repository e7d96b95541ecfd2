"""What can be told of a signed request before any key is known: the receiver's cheap checks."""

from datetime import datetime
from functools import lru_cache

from shared.signatures.dates import check_window, read_date
from shared.signatures.digest import check_digest
from shared.signatures.refused import Reason, Refused
from shared.signatures.request import Headers, ParsedSignature, Scheme
from shared.signatures.verify import check_digest_covered, read_signature

_ALWAYS_KEPT = frozenset({"host", "date", "digest", "content-digest", "signature", "signature-input"})


def check_form(headers: Headers, method: str, body: bytes, now: datetime) -> Reason | None:
    """Return why a request is not worth queueing, or None.

    Checked are: a signature is there and well formed; the digest is that of the body, and signed; the
    date, or the moment of signing, lies within the window around now.
    """
    try:
        examine_form(headers, method, body, now)
    except Refused as refused:
        return refused.why
    return None


def examine_form(headers: Headers, method: str, body: bytes, now: datetime) -> ParsedSignature:
    """Return what the signature claims if the form is right; raises Refused."""
    parsed = read_signature(headers)
    check_digest(parsed.fields, method, body)
    if parsed.scheme is Scheme.CAVAGE:
        check_digest_covered(parsed, method, body)
    date, moment = parsed.fields.get("date"), now.timestamp()
    if date is None and parsed.created is None:
        raise Refused(Reason.DATE_MISSING)
    if date is not None:
        check_window(read_date(date), moment)
    if parsed.created is not None:
        check_window(parsed.created, moment)
    needed = _needed(parsed.covered)
    for name, value in headers:
        if not value.isascii() and name in needed:
            raise Refused(Reason.HEADER_MALFORMED)
    return parsed


def signed_headers(headers: Headers, parsed: ParsedSignature) -> Headers:
    """Return those headers that the verifier will need, in their order; the rest need not travel."""
    needed = _needed(parsed.covered)
    return tuple([pair for pair in headers if pair[0] in needed])


@lru_cache(maxsize=256)
def _needed(covered: tuple[str, ...]) -> frozenset[str]:
    return _ALWAYS_KEPT.union(covered)
