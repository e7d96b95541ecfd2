"""The gateway's routes and middleware, in the order in which a request meets them."""

from aiohttp import web

from services.platform_gateway import (
    client_api,
    federation,
    heddle_api,
    load_testing,
    media,
    oauth,
    openapi,
    pages,
    streaming,
)
from services.platform_gateway.cors import allow_browsers
from services.platform_gateway.errors import answer_errors
from services.platform_gateway.gateway import GATEWAY, Gateway
from services.platform_gateway.streaming import HUB, Hub

MAX_BODY = 1 << 20
"""Bytes of a request body; uploads have a limit of their own."""


def build_app(gateway: Gateway) -> web.Application:
    """Return the application; each sub-package adds its own routes with `add_routes(app)`."""
    app = web.Application(middlewares=[allow_browsers, answer_errors], client_max_size=MAX_BODY)
    app[GATEWAY] = gateway
    app[HUB] = Hub(gateway.pool, gateway.site.uris)
    for part in (openapi, streaming, heddle_api, client_api, oauth, federation, load_testing, media, pages):
        part.add_routes(app)
    return app
