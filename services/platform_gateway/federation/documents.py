"""Responses that other servers read: validators, caching, and failures they can parse."""

import hashlib

from aiohttp import web

from services.platform_gateway.errors import ApiError
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.negotiation import Form, wanted_form
from services.platform_gateway.parameters import MAX_ID
from shared.protocol.writer import ACTIVITY_JSON

MAX_AGE = 60
"""Seconds for which a public document may be kept: an edit arrives by an Update anyway."""


def document(
    request: web.Request, body: bytes, *, kind: str = ACTIVITY_JSON, status: int = 200, private: bool = False
) -> web.Response:
    """Return a document, or 304 where the reader has it already.

    Args:
        request: Its `If-None-Match` is honoured.
        body: The document.
        kind: Its media type, with parameters.
        status: 200, or 410 for what is gone.
        private: Only for whom it was made: no cache on the way may keep it.
    """
    etag = hashlib.sha256(body).hexdigest()[:32]
    headers = {
        "Vary": "Accept, Signature" if request.app[GATEWAY].settings.authorized_fetch else "Accept",
        "Cache-Control": _cache_control(request, private=private),
        "ETag": f'"{etag}"',
        "X-Content-Type-Options": "nosniff",
    }
    known = request.if_none_match or ()
    if status == web.HTTPOk.status_code and any(tag.value in {etag, "*"} for tag in known):
        return web.Response(status=304, headers=headers)
    separator = "" if "charset=" in kind else "; charset=utf-8"
    return web.Response(status=status, body=body, headers={**headers, "Content-Type": f"{kind}{separator}"})


def for_people(request: web.Request, page: str) -> None:
    """Send a person who opens the address of a document to the page instead (303)."""
    if page and wanted_form(request, Form.DOCUMENT) is Form.PAGE:
        raise web.HTTPSeeOther(page, headers={"Vary": "Accept", "Cache-Control": "private, no-store"})


def missing() -> ApiError:
    """Return the answer for what does not exist, or not for this reader."""
    return ApiError(404, "Not found")


def gone() -> ApiError:
    """Return the answer for an account that was here once."""
    return ApiError(410, "Gone", description="This account was suspended or deleted.")


def cursor(request: web.Request, name: str) -> int | None:
    """Return the place in a list that a query parameter names; what is no number names none."""
    text = request.query.get(name, "")
    return min(int(text[:20]), MAX_ID) if text.isascii() and text.isdigit() else None


async def only_post(request: web.Request) -> web.Response:
    """Answer a GET of an inbox, which takes activities and shows nothing."""
    raise web.HTTPMethodNotAllowed(request.method, ["POST"])


def _cache_control(request: web.Request, *, private: bool) -> str:
    if private or request.app[GATEWAY].settings.authorized_fetch:
        return "private, no-store"
    return f"public, max-age={MAX_AGE}"
