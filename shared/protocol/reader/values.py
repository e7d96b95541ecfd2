"""One value of many shapes: a string, a list, an object with an id, a link, a map by language."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from shared.protocol.errors import Malformed
from shared.protocol.identifiers import PUBLIC, is_http_uri, is_id

Wire = dict[str, object]
"""A JSON object of which nothing is known yet."""

_PUBLIC_NAMES: Final = frozenset({"as:Public", "Public", PUBLIC})
_MAX_DATE_LENGTH: Final = 40
_MAX_LINKS: Final = 50
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 9998


def entries(value: object) -> list[object]:
    """Return a list whatever was given: none, one or many."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def objects(value: object, limit: int) -> Iterator[Wire]:
    """Yield the JSON objects among the first entries of a value."""
    for entry in entries(value)[:limit]:
        if isinstance(entry, dict):
            yield entry


def first(value: object) -> object:
    """Return a value, or the first entry of a list."""
    return (value[0] if value else None) if isinstance(value, list) else value


def type_in(wire: Wire, known: frozenset[str]) -> str:
    """Return the first type of an object that is known, or an empty string."""
    kind = wire.get("type")
    if isinstance(kind, str):
        return kind if kind in known else ""
    return next((name for name in entries(kind) if isinstance(name, str) and name in known), "")


def string(value: object) -> str:
    """Return a string, or an empty one in place of anything else."""
    return value if isinstance(value, str) else ""


def uri(value: object) -> str:
    """Return the URI given as a string, as an object with an id or as a list of one; or an empty string."""
    if value is None:
        return ""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) and is_id(value) else ""


def required_uri(wire: Wire, name: str) -> str:
    """Return the URI under this name; raises Malformed."""
    value = uri(wire.get(name))
    if not value:
        reason = f"{name}_invalid" if wire.get(name) else f"{name}_missing"
        raise Malformed(f"{name} is not an absolute http URI", reason=reason)
    return value


def uris(value: object, limit: int) -> tuple[str, ...]:
    """Return the URIs among the first entries of a value, each once, in order."""
    found = (uri(entry) for entry in entries(value)[:limit])
    return tuple(dict.fromkeys(name for name in found if name))


def addresses(value: object, limit: int) -> tuple[str, ...]:
    """Return recipients, each once, the public collection in its full form however it was spelt."""
    if value is None:
        return ()
    if isinstance(value, list) and len(value) == 1 and limit:
        # Most are: the public alone, the followers alone, one other.
        name = _address(value[0])
        return (name,) if name else ()
    found: dict[str, None] = {}
    for entry in entries(value)[:limit]:
        if name := _address(entry):
            found[name] = None
    return tuple(found)


def _address(entry: object) -> str:
    if not isinstance(entry, str):
        return uri(entry)
    if entry in _PUBLIC_NAMES:
        return PUBLIC
    return entry if is_id(entry) else ""


def copied_to(wire: Wire, limit: int) -> tuple[str, ...]:
    """Return who is addressed beside `to`, each once: `cc` and `audience` (ActivityPub section 6)."""
    cc, audience = wire.get("cc"), wire.get("audience")
    return addresses(cc if audience is None else [*entries(cc), *entries(audience)], limit)


def web_link(value: object, media_type: str = "text/html") -> str:
    """Return the http address meant by a `url`: a string, a Link, or a list of which one has the type."""
    if isinstance(value, str):
        return value if is_http_uri(value) else ""
    fallback = ""
    for entry in entries(value)[:_MAX_LINKS]:
        address = entry
        if isinstance(entry, dict):
            address = entry.get("href") or entry.get("url")
        if not isinstance(address, str) or not is_http_uri(address):
            continue
        if isinstance(entry, dict) and string(entry.get("mediaType")).startswith(media_type):
            return address
        fallback = fallback or address
    return fallback


def time(value: object) -> datetime | None:
    """Return a moment in UTC; None for what is no date or lies outside the years 1970 to 9998.

    Offsets come as Z, +00:00 or +0000 or not at all (UTC then), fractions with up to nine digits.
    """
    if not isinstance(value, str) or not value or len(value) > _MAX_DATE_LENGTH:
        return None
    return _moment(value)


@lru_cache(maxsize=1024)
def _moment(text: str) -> datetime | None:
    # An activity and its object have the same time, and those that come together often do.
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return moment if _FIRST_YEAR <= moment.year <= _LAST_YEAR else None


def whole(value: object, most: int) -> int | None:
    """Return a whole number from 0 to a limit, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        return None
    return int(value)


def flag(value: object) -> bool:
    """Tell whether a value says yes; some servers write it as a word."""
    return value is True or value == "true"
