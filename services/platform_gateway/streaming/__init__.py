"""Streaming of the client API: what happens is sent to connected clients as it happens (SSE, WebSocket)."""

from aiohttp import web

from services.platform_gateway.streaming import sse, websocket
from services.platform_gateway.streaming.hub import HUB, Hub


def add_routes(app: web.Application) -> None:
    """Add the routes of streaming; `app[HUB]` is there already."""
    sse.add_routes(app)
    websocket.add_routes(app)
    app.on_shutdown.append(_say_goodbye)


async def _say_goodbye(app: web.Application) -> None:
    app[HUB].close()


__all__ = ["HUB", "Hub", "add_routes"]
