"""Pages by id: `max_id`, `since_id`, `min_id`, `limit`, and the Link header that leads on (RFC 8288)."""

from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import urlencode

from aiohttp import web
from msgspec import Struct

from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.parameters import MAX_ID
from shared.database.paging import Page
from shared.protocol.identifiers import id_at

T = TypeVar("T")

_FOREIGN_BITS = 16
_FOREIGN_LOW, _FOREIGN_HIGH = 1 << 50, 1 << 59
_CURSORS = ("max_id", "since_id", "min_id", "limit")


class PageForm(Struct, kw_only=True):
    """The paging parameters of every list; a resource's own form inherits them."""

    max_id: int | None = None
    since_id: int | None = None
    min_id: int | None = None
    limit: int | None = None

    def page(self, default: int, most: int) -> Page:
        """Return the page asked for, its limit and its bounds within what rows can have."""
        wanted = default if self.limit is None or self.limit < 1 else self.limit
        return Page(
            max_id=_bounded(self.max_id),
            since_id=_bounded(self.since_id),
            min_id=_bounded(self.min_id),
            limit=min(wanted, most),
        )


def _bounded(identifier: int | None) -> int | None:
    """Return an id within what rows can have; one made from a date, as clients do, is moved to our scale.

    Mastodon's ids are milliseconds and 16 more bits, ours milliseconds and 22 more: an id of ours that
    looked like one of theirs would date from before 1974.
    """
    if identifier is None:
        return None
    if _FOREIGN_LOW <= identifier < _FOREIGN_HIGH:
        return id_at(identifier >> _FOREIGN_BITS)
    return max(0, min(identifier, MAX_ID))


def links(request: web.Request, page: Page, cursors: Sequence[int]) -> dict[str, str]:
    """Return the Link header for a page, newest first; `cursors` are the ids that the list is sorted by."""
    if not cursors:
        return {}
    origin = request.app[GATEWAY].site.uris.origin
    kept = [(name, value) for name, value in request.query.items() if name not in _CURSORS]
    kept.append(("limit", str(page.limit)))

    def link(cursor: str, identifier: int, relation: str) -> str:
        query = urlencode([*kept, (cursor, str(identifier))])
        return f'<{origin}{request.path}?{query}>; rel="{relation}"'

    parts = [link("min_id", cursors[0], "prev")]
    if len(cursors) >= page.limit:
        parts.insert(0, link("max_id", cursors[-1], "next"))
    return {"Link": ", ".join(parts)}
