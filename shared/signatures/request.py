"""What a signature speaks of: the request as it was received, and what its signature claims."""

from collections.abc import Callable
from enum import StrEnum
from functools import partial

from msgspec import Struct

from shared.signatures.refused import Reason, Refused

Headers = tuple[tuple[str, str], ...]
"""(lower-case name, value) pairs in the order of the request."""


class Scheme(StrEnum):
    """The two ways to sign a request in the fediverse."""

    CAVAGE = "cavage"
    RFC9421 = "rfc9421"


class SignedRequest(Struct, frozen=True):
    """A request as it came in. `target` is path and query as sent; header names are in lower case."""

    method: str
    target: str
    headers: Headers
    body: bytes = b""


def _repeated(headers: Headers) -> frozenset[str]:
    seen: set[str] = set()
    repeated: set[str] = set()
    for name, _ in headers:
        (repeated if name in seen else seen).add(name)
    return frozenset(repeated)


def _get_single(values: dict[str, str], repeated: frozenset[str], name: str) -> str | None:
    if name in repeated:
        raise Refused(Reason.HEADER_REPEATED, f"header {name[:64]!r} came more than once")
    return values.get(name)


class Fields:
    """The headers of one request by name, which knows the names that came more than once."""

    __slots__ = ("_values", "get")

    get: Callable[[str], str | None]
    """Returns the value of a header, or None; raises Refused where it came more than once."""

    def __init__(self, headers: Headers) -> None:
        self._values = values = dict(headers)
        # Nearly no request says anything twice, and each is asked for ten names.
        once = len(values) == len(headers)
        self.get = values.get if once else partial(_get_single, values, _repeated(headers))

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def covered(self, name: str) -> str:
        """Return the trimmed value of a header that the signature covers; raises Refused."""
        value = self.get(name)
        if value is None:
            raise Refused(Reason.HEADER_MISSING, f"signed header {name[:64]!r} is not there")
        if not value.isascii() or not value.isprintable():
            raise Refused(Reason.HEADER_MALFORMED, f"signed header {name[:64]!r}")
        return value.strip(" ")


class ParsedSignature(Struct, frozen=True):
    """What a signature claims; nothing of it is proven yet.

    `algorithm` is the label in lower case, empty where there is none. `covered` are the names of what is
    signed, in order. `created` and `expires` are Unix seconds. `parameters` is the text that the base of
    an RFC 9421 signature ends with. `raw` are cavage's created and expires as they were written.
    """

    scheme: Scheme
    key_id: str
    algorithm: str
    covered: tuple[str, ...]
    signature: bytes
    fields: Fields
    created: int | None = None
    expires: float | None = None
    parameters: str = ""
    raw: tuple[str, str] = ("", "")
