"""The moderated servers, with the reasons given to the public."""

from aiohttp import web

from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.pages.rendering import render
from shared.database.api_instance import public_blocks

_WORDS = {"suspend": "suspended", "silence": "limited"}


async def show(request: web.Request) -> web.Response:
    """Answer `GET /about/servers`."""
    async with request.app[GATEWAY].pool.acquire() as conn:
        rows = await public_blocks(conn)
    servers = [(row.domain, _WORDS.get(row.severity, row.severity), row.comment) for row in rows]
    return render(request, "servers.html", {"servers": servers})
