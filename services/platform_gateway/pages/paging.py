"""Pages of posts: what the address asks for, and the links to the next and the previous page."""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from aiohttp import web

from services.platform_gateway.parameters import MAX_ID
from shared.database.page_posts import PagePost
from shared.database.paging import Page

PER_PAGE = 20


class Links(NamedTuple):
    """Where older and newer posts are; empty where there are none."""

    older: str
    newer: str


def page_of(request: web.Request) -> Page:
    """Return the page that the address asks for; one entry more than is shown tells whether it goes on."""
    newer_than = _cursor(request, "min_id")
    older_than = None if newer_than is not None else _cursor(request, "max_id")
    return Page(limit=PER_PAGE + 1, max_id=older_than, min_id=newer_than)


def shown(page: Page, posts: Sequence[PagePost]) -> list[PagePost]:
    """Return the posts that fit on the page."""
    return list(posts[-PER_PAGE:] if page.ascending else posts[:PER_PAGE])


def links(request: web.Request, page: Page, posts: Sequence[PagePost]) -> Links:
    """Return the links of a page, given everything that was read for it."""
    visible = shown(page, posts)
    if not visible:
        return Links("", request.path if page.max_id or page.ascending else "")
    more = len(posts) > PER_PAGE
    older = page.ascending or more
    newer = page.max_id is not None or (page.ascending and more)
    return Links(
        _link(request, "max_id", visible[-1].row_id) if older else "",
        _link(request, "min_id", visible[0].row_id) if newer else "",
    )


def _link(request: web.Request, cursor: str, row_id: int) -> str:
    kept = {name: value for name, value in request.query.items() if name not in {"max_id", "min_id"}}
    return f"{request.rel_url.raw_path}?{urlencode({**kept, cursor: str(row_id)})}"


def _cursor(request: web.Request, name: str) -> int | None:
    text = request.query.get(name, "")
    if not (text.isascii() and text.isdigit()):
        return None
    return min(int(text[:20]), MAX_ID)
