"""Server-sent events: one stream per request."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from msgspec import Struct

from services.platform_gateway.cors import ANSWER
from services.platform_gateway.errors import ApiError
from services.platform_gateway.parameters import read
from services.platform_gateway.streaming.access import listener, permit
from services.platform_gateway.streaming.channels import Channel, channel_of
from services.platform_gateway.streaming.hub import HUB, Client
from shared.database.oauth import TokenRow

HEARTBEAT = 15.0
"""Seconds of silence after which a sign of life is sent, and the token looked at again."""

PATHS = {
    "user": "user",
    "user/notification": "user:notification",
    "public": "public",
    "public/local": "public:local",
    "public/remote": "public:remote",
    "hashtag": "hashtag",
    "hashtag/local": "hashtag:local",
    "direct": "direct",
    "list": "list",
}
_HEADERS = ANSWER | {
    "Content-Type": "text/event-stream",
    "Cache-Control": "private, no-store",
    "X-Accel-Buffering": "no",
}


class StreamForm(Struct, kw_only=True):
    """Which hashtag, which list, and whether only posts with media are wanted."""

    tag: str = ""
    list: str = ""
    only_media: bool = False


def add_routes(app: web.Application) -> None:
    """Add the routes of this file."""
    app.router.add_get("/api/v1/streaming/health", health)
    for path, name in PATHS.items():
        app.router.add_get(f"/api/v1/streaming/{path}", _handler(name), allow_head=False)


async def health(_request: web.Request) -> web.Response:
    """GET /api/v1/streaming/health."""
    return web.Response(text="OK")


def _handler(name: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def stream(request: web.Request) -> web.StreamResponse:
        token = await listener(request)
        form = await read(request, StreamForm)
        media = ":media" if form.only_media and name.startswith("public") else ""
        channel = channel_of(name + media, form.tag, form.list)
        await permit(request, token, channel)
        return await _stream(request, token, channel)

    return stream


async def _stream(request: web.Request, token: TokenRow | None, channel: Channel) -> web.StreamResponse:
    client = Client(token.author.id if token and token.author else None)
    client.subscribe(channel)
    request.app[HUB].join(client)
    response = web.StreamResponse(headers=_HEADERS)
    response.enable_chunked_encoding()
    try:
        await response.prepare(request)
        await response.write(b":)\n\n")
        await _send(request, response, client)
    except ConnectionError:
        pass  # The client has gone.
    finally:
        request.app[HUB].leave(client)
    return response


async def _send(request: web.Request, response: web.StreamResponse, client: Client) -> None:
    while True:
        try:
            async with asyncio.timeout(HEARTBEAT):
                event = await client.next()
        except TimeoutError:
            try:
                await listener(request)
            except ApiError:
                return  # The token was revoked meanwhile.
            await response.write(b":thump\n\n")
            continue
        if event is None:
            return
        await response.write(f"event: {event.kind}\ndata: {event.payload}\n\n".encode())
