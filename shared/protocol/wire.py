"""From untrusted bytes to a JSON object whose size and shape are safe to work on."""

import math
import re
from typing import Final

import msgspec

from shared.protocol.errors import Malformed

MAX_DEPTH: Final = 32
"""Levels of nesting; the deepest honest documents seen have nine."""

MAX_ENTRIES: Final = 1000
"""Entries of one list: recipients, tags, attachments."""

MAX_NODES: Final = 20_000
"""Objects and lists of one document: a thousand tags with all they may have inside are a fifth of that."""

MAX_COMMAS: Final = 40_000
"""Commas of one document, those in its texts included: so many values cost ten milliseconds at most."""

_TOO_SHORT: Final = 2 * MAX_ENTRIES
"""Bytes in which no list has room for more than `MAX_ENTRIES`."""

_LISTS: Final = ("to", "cc", "bto", "bcc", "audience", "tag", "attachment")
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class TooManyEntries(Malformed):
    """A document, or a list of recipients, tags or attachments in it, is longer than anybody needs."""

    reason = "too_many_entries"


def _double(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("number out of range")
    return number


# The decoder's own reading of a number such as 1e300 costs 7 microseconds: a list of them, a second.
_decoder: Final = msgspec.json.Decoder(float_hook=_double)


def decode(document: bytes) -> dict[str, object]:
    """Return the JSON object that these bytes hold; raises Malformed with a reason of its own.

    Refused are broken JSON and UTF-8, numbers beyond a double, NUL characters however written, nesting
    beyond `MAX_DEPTH`, lists beyond `MAX_ENTRIES`, more than `MAX_NODES` objects and lists in all, and more
    than `MAX_COMMAS`, so more values than that.
    Of a repeated key the last value counts.
    """
    # A lone character is found at a tenth of the cost of several.
    if b"\\" in document and b"\\u0000" in document and _NUL.search(document):
        raise Malformed("a NUL character", reason="nul_character")
    nodes = document.count(b"{") + document.count(b"[")
    if nodes > MAX_NODES:
        raise TooManyEntries(f"{nodes} objects and lists")
    commas = document.count(b",") if len(document) > _TOO_SHORT else 0
    if commas > MAX_COMMAS:
        raise TooManyEntries(f"{commas} commas")
    value = _parse(document)
    if not isinstance(value, dict):
        raise Malformed("the document is not a JSON object", reason="not_an_object")
    # Counting bytes is cheap: only a document that could be too deep or too long is walked through.
    if nodes > MAX_DEPTH:
        _check_depth(value)
    if commas >= MAX_ENTRIES:
        _check_entries(value)
    return value


def _parse(document: bytes) -> object:
    try:
        value: object = _decoder.decode(document)
    except RecursionError:
        raise Malformed(f"more than {MAX_DEPTH} levels", reason="too_deep") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        out_of_range = "out of range" in str(error)
        reason = "number_out_of_range" if out_of_range else "json_broken"
        raise Malformed(str(error), reason=reason) from None
    return value


def _check_depth(value: dict[str, object]) -> None:
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node) if isinstance(child, dict | list)]
        if not level:
            return
    raise Malformed(f"more than {MAX_DEPTH} levels", reason="too_deep")


def _children(node: object) -> list[object]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def _check_entries(value: dict[str, object]) -> None:
    inner = value.get("object")
    for part in (value, *(inner if isinstance(inner, list) else [inner])):
        if not isinstance(part, dict):
            continue
        for name in _LISTS:
            entries = part.get(name)
            if isinstance(entries, list) and len(entries) > MAX_ENTRIES:
                raise TooManyEntries(f"{len(entries)} entries in {name}")
