"""Where the document is."""

from typing import Final

from aiohttp import web

from services.platform_gateway.client_api.instance import VERSION
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.openapi.document import build_document

PATH: Final = "/api/openapi.json"
_KEPT: Final = {"Cache-Control": "public, max-age=3600"}


def add_routes(app: web.Application) -> None:
    """Add the document; it is made once."""
    document = build_document(app[GATEWAY].site.uris.origin, VERSION)

    async def show(_request: web.Request) -> web.Response:
        return web.Response(body=document, content_type="application/json", headers=_KEPT)

    app.router.add_get(PATH, show)
