"""Where uploaded pictures are: addresses that nobody can guess, whose files never change."""

import re
from typing import Final

from aiohttp import web

from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.media.uploads import UPLOADS, Uploads
from shared.database.media import file_of

_FILE: Final = re.compile(r"(original|preview)(?:\.[a-z]{2,4})?")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{24}")
_HEADERS: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": "inline",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
}


def add_routes(app: web.Application) -> None:
    """Add the address of all pictures."""
    app[UPLOADS] = Uploads()
    app.router.add_get("/media/{token}/{file}", show)


async def show(request: web.Request) -> web.Response:
    """GET /media/{token}/{file}."""
    token, name = request.match_info["token"], _FILE.fullmatch(request.match_info["file"])
    if name is None or not _TOKEN.fullmatch(token):
        raise web.HTTPNotFound
    known = f'"{token}-{name[1]}"'
    async with request.app[GATEWAY].pool.acquire() as conn:
        file = await file_of(conn, token, name[1])
    if file is None:
        raise web.HTTPNotFound
    headers = {**_HEADERS, "ETag": known}
    if request.headers.get("If-None-Match") == known:
        return web.Response(status=304, headers=headers)
    return web.Response(body=file.content, content_type=file.media_type, headers=headers)
