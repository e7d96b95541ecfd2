"""Collections of other servers: whole ones, pages, and wholes with their first page inside."""

from typing import Final

from msgspec import Struct

from shared.protocol.errors import Malformed
from shared.protocol.reader import limits
from shared.protocol.reader.values import Wire, first, type_in, uri, uris
from shared.protocol.wire import decode

_TYPES: Final = frozenset(
    {"Collection", "OrderedCollection", "CollectionPage", "OrderedCollectionPage"},
)


class CollectionPart(Struct, frozen=True, kw_only=True):
    """What one document tells of a collection: members by their ids, each once, and where more of them are.

    `following` is the first page of a whole collection that comes without one, or the page after a page.
    """

    items: tuple[str, ...] = ()
    following: str = ""


def read_collection(document: bytes) -> CollectionPart:
    """Read a collection or a page of one; raises Malformed."""
    wire = decode(document)
    if not type_in(wire, _TYPES):
        raise Malformed("no collection", reason="object_type")
    embedded = first(wire.get("first"))
    if isinstance(embedded, dict) and type_in(embedded, _TYPES):
        return CollectionPart(items=_items(wire, embedded), following=uri(embedded.get("next")))
    return CollectionPart(items=_items(wire), following=uri(wire.get("first")) or uri(wire.get("next")))


def _items(*parts: Wire) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for wire in parts:
        for name in ("orderedItems", "items"):
            found.update(dict.fromkeys(uris(wire.get(name), limits.MEMBERS)))
    return tuple(found)
