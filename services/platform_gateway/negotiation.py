"""Which form of a resource a reader wants: a document for servers or a page for people (RFC 9110, 12.5.1)."""

import re
from enum import Enum
from functools import lru_cache

from aiohttp import web

_RANGE = re.compile(r"""\s*([^\s,;"]+)\s*((?:;\s*[^\s=;,]+\s*(?:=\s*(?:"[^"]*"|[^\s;,"]*))?\s*)*)(?:,|$)""")
_QUALITY = re.compile(r";\s*q\s*=\s*([0-9.]{1,5})", re.IGNORECASE)
_MAX_ACCEPT = 1_000

_DOCUMENTS = ("application/activity+json", "application/ld+json", "application/json")
_PAGES = ("text/html", "application/xhtml+xml")


class Form(Enum):
    """The two forms that actors and posts have."""

    DOCUMENT = "document"
    PAGE = "page"


def wanted_form(request: web.Request, default: Form) -> Form:
    """Return the form that the Accept header prefers; the default where it likes both as much."""
    return _preferred(",".join(request.headers.getall("Accept", ())), default)


@lru_cache(maxsize=512)
def _preferred(accept: str, default: Form) -> Form:
    ranges = _ranges(accept[:_MAX_ACCEPT])
    document, page = _best(ranges, _DOCUMENTS), _best(ranges, _PAGES)
    if document == page:
        return default
    return Form.DOCUMENT if document > page else Form.PAGE


def _ranges(accept: str) -> dict[str, float]:
    """Return the media ranges and their weights; what cannot be read is left out."""
    found: dict[str, float] = {}
    for match in _RANGE.finditer(accept):
        quality = _QUALITY.search(match[2])
        try:
            weight = min(float(quality[1]), 1.0) if quality else 1.0
        except ValueError:
            continue
        found[match[1].lower()] = max(weight, found.get(match[1].lower(), 0.0))
    return found


def _best(ranges: dict[str, float], types: tuple[str, ...]) -> float:
    return max(_weight(ranges, kind) for kind in types)


def _weight(ranges: dict[str, float], kind: str) -> float:
    """Return the weight of the most specific range that covers a type."""
    for candidate in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        if candidate in ranges:
            return ranges[candidate]
    return 0.0
