"""Names of things: hashes of URIs, hosts, origins, and ids that sort by time."""

import hashlib
import re
import secrets
import time
from functools import lru_cache
from urllib.parse import urlsplit

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
"""The collection that stands for everybody (ActivityPub section 5.6)."""

MAX_URI_LENGTH = 2048
"""Characters. A longer identifier is refused before it reaches an index."""

_HTTP_URI = re.compile(r"https?://[^\s/?#@\\\x00-\x20\x7f\"<>^`{|}]+(?:[/?#][^\s\x00-\x20\x7f<>\"]*)?")

# What nearly all look like: the pattern above says the same of them, for twice the cost.
_PLAIN_URI = re.compile(r"https?://[a-z0-9.:-]+(?:/[!#-;=?-~]*)?")

# The same for their beginning: `urlsplit` costs ten times as much.
_PLAIN_ORIGIN = re.compile(r"https?://([a-z0-9.:-]+)(?=[/?#]|\Z)")

_COUNTER_BITS = 12
_WORKER_BITS = 10
_LOW_BITS = _COUNTER_BITS + _WORKER_BITS
WORKERS = 1 << _WORKER_BITS
"""How many id generators may be alive at once."""


@lru_cache(maxsize=16_384)
def uri_hash(uri: str) -> bytes:
    """Return the 16 bytes under which a URI is indexed."""
    return hashlib.sha256(uri.encode()).digest()[:16]


def is_http_uri(uri: str) -> bool:
    """Tell whether this is an absolute http or https URI with a host, without a user, of bearable length."""
    if len(uri) > MAX_URI_LENGTH:
        return False
    return _PLAIN_URI.fullmatch(uri) is not None or _HTTP_URI.fullmatch(uri) is not None


def is_id(uri: str) -> bool:
    """Tell whether this can name something: an http URI whose host is ASCII (RFC 3986 section 3.2.2).

    An internationalised name comes as punycode: what reads it in two ways would get around domain blocks.
    """
    if len(uri) <= MAX_URI_LENGTH and _PLAIN_URI.fullmatch(uri) is not None:
        return True
    return is_http_uri(uri) and (uri.isascii() or urlsplit(uri).netloc.isascii())


def host_of(uri: str) -> str:
    """Return host and port of a URI in lower case, or an empty string where it has none."""
    if plain := _PLAIN_ORIGIN.match(uri):
        return plain[1]
    try:
        return urlsplit(uri).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


def origin_of(uri: str) -> str:
    """Return scheme, host and port of a URI; empty unless it is http or https and all ASCII (FEP-fe34)."""
    if plain := _PLAIN_ORIGIN.match(uri):
        return plain[0]
    try:
        parts = urlsplit(uri)
    except ValueError:
        return ""
    netloc = parts.netloc
    if parts.scheme not in {"http", "https"} or not netloc or "@" in netloc or not netloc.isascii():
        return ""
    return f"{parts.scheme}://{netloc.lower()}"


def same_origin(one: str, other: str) -> bool:
    """Tell whether two URIs have one owner in the sense of FEP-fe34."""
    origin = origin_of(other)
    # An origin with a slash behind it is that of whatever goes on from there, and seen without a search.
    return bool(origin) and (one.startswith(f"{origin}/") or origin == origin_of(one))


class IdGenerator:
    """Makes 63-bit ids that sort by time: 41 bits of milliseconds, 10 of worker, 12 of a counter.

    Args:
        worker: A number below `WORKERS` that no other live process uses; the database hands it out.
    """

    def __init__(self, worker: int) -> None:
        self._worker = (worker % WORKERS) << _COUNTER_BITS
        self._last = 0
        self._counter = 0

    def next(self) -> int:
        """Return an id greater than every earlier one of this generator."""
        now = time.time_ns() // 1_000_000
        if now > self._last:
            self._last, self._counter = now, 0
        else:
            self._counter += 1
            if self._counter >> _COUNTER_BITS:
                self._last, self._counter = self._last + 1, 0
        return (self._last << _LOW_BITS) | self._worker | self._counter

    def at(self, milliseconds: int) -> int:
        """Return an id for something published at this Unix time, unless it lies in the future.

        The low bits are random: many things may claim one moment, and a clash is retried with a new id.
        """
        if milliseconds >= time.time_ns() // 1_000_000 or milliseconds <= 0:
            return self.next()
        return (milliseconds << _LOW_BITS) | secrets.randbits(_LOW_BITS)


def milliseconds_of(identifier: int) -> int:
    """Return the Unix time in milliseconds that an id carries."""
    return identifier >> _LOW_BITS


def id_at(milliseconds: int) -> int:
    """Return the lowest id that something of this Unix time can have."""
    return milliseconds << _LOW_BITS
