"""Collections: whole ones, and the pages of long ones."""

from collections.abc import Sequence

from shared.protocol.activities import Activity
from shared.protocol.identifiers import origin_of
from shared.protocol.objects import Hashtag, Note
from shared.protocol.writer.activities import activity_wire
from shared.protocol.writer.context import POST, Wire, encode, present
from shared.protocol.writer.notes import note_wire
from shared.protocol.writer.tags import hashtag

Item = str | Note | Hashtag | Activity
"""A member of a collection: by its id, or embedded."""


def write_collection(
    uri: str,
    *,
    total: int | None = None,
    first: str = "",
    last: str = "",
    items: Sequence[Item] | None = None,
    ordered: bool = True,
) -> bytes:
    """Return a collection: with its items, with the address of its first page, or with a count alone.

    Args:
        uri: The collection's id.
        total: How many members it has; left out where that is nobody's business.
        first: Address of the first page.
        last: Address of the last page.
        items: The members, where they fit into one document.
        ordered: Whether the order means something (newest first).
    """
    wire: Wire = {
        "id": uri,
        "type": "OrderedCollection" if ordered else "Collection",
        **_total(total),
        **present({"first": first, "last": last}),
        **({} if items is None else _items(uri, items, ordered=ordered)),
    }
    return encode(POST, wire)


def write_collection_page(
    uri: str,
    *,
    part_of: str,
    items: Sequence[Item],
    following: str = "",
    previous: str = "",
    total: int | None = None,
    ordered: bool = True,
) -> bytes:
    """Return a page of a collection; `following` and `previous` are empty at the ends."""
    wire: Wire = {
        "id": uri,
        "type": "OrderedCollectionPage" if ordered else "CollectionPage",
        "partOf": part_of,
        **_total(total),
        **present({"next": following, "prev": previous}),
        **_items(uri, items, ordered=ordered),
    }
    return encode(POST, wire)


def _total(total: int | None) -> Wire:
    return {} if total is None else {"totalItems": total}


def _items(uri: str, items: Sequence[Item], *, ordered: bool) -> Wire:
    site = origin_of(uri)
    return {"orderedItems" if ordered else "items": [_item(item, site) for item in items]}


def _item(item: Item, site: str) -> object:
    if isinstance(item, str):
        return item
    if isinstance(item, Hashtag):
        return hashtag(item.name, site)
    return note_wire(item) if isinstance(item, Note) else activity_wire(item)
