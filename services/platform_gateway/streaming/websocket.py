"""WebSocket: any number of streams over one connection, subscribed to and left by messages."""

import asyncio

import msgspec
from aiohttp import WSMsgType, web
from msgspec import Struct

from services.platform_gateway.errors import ApiError
from services.platform_gateway.streaming.access import listener, permit, secret_of
from services.platform_gateway.streaming.channels import channel_of
from services.platform_gateway.streaming.hub import HUB, Client, Event
from shared.database.oauth import TokenRow

PING = 30.0
"""Seconds between two signs of life that the client must answer."""

CHECK = 60.0
"""Seconds after which the token is looked at again."""

MAX_MESSAGE = 4096


class Wish(Struct):
    """What a client sends."""

    type: str
    stream: str = ""
    tag: str = ""
    list: str = ""


class Message(Struct):
    """What a client is sent; `payload` is JSON in a string."""

    stream: list[str]
    event: str
    payload: str


class Complaint(Struct):
    """Why a wish was not met."""

    error: str
    status: int


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Wish)


def add_routes(app: web.Application) -> None:
    """Add the route of this file; some clients put a slash at the end."""
    for slash in ("", "/"):
        app.router.add_get(f"/api/v1/streaming{slash}", connect, allow_head=False)


async def connect(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/streaming, upgraded to a WebSocket."""
    token = await listener(request)
    client = Client(token.author.id if token and token.author else None)
    if name := request.query.get("stream"):
        wish = Wish("subscribe", name, request.query.get("tag", ""), request.query.get("list", ""))
        await _subscribe(request, client, token, wish)
    shown = request.headers.get("Sec-WebSocket-Protocol") and secret_of(request)
    socket = web.WebSocketResponse(
        protocols=[shown] if shown else (), heartbeat=PING, max_msg_size=MAX_MESSAGE, compress=False
    )
    if not socket.can_prepare(request).ok:
        raise ApiError(400, "This is for WebSockets; server-sent events have paths of their own")
    request.app[HUB].join(client)
    try:
        await socket.prepare(request)
        await _converse(request, socket, client, token)
    except ConnectionError:
        pass  # The client has gone.
    finally:
        request.app[HUB].leave(client)
    return socket


async def _converse(
    request: web.Request, socket: web.WebSocketResponse, client: Client, token: TokenRow | None
) -> None:
    tasks = {
        asyncio.create_task(_listen(request, socket, client, token)),
        asyncio.create_task(_send(socket, client)),
        asyncio.create_task(_until_revoked(request)),
    }
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await socket.close()


async def _listen(
    request: web.Request, socket: web.WebSocketResponse, client: Client, token: TokenRow | None
) -> None:
    async for message in socket:
        if message.type is not WSMsgType.TEXT:
            continue
        try:
            wish = _decoder.decode(message.data)
            if wish.type == "subscribe":
                await _subscribe(request, client, token, wish)
            elif wish.type == "unsubscribe":
                client.channels.discard(channel_of(wish.stream, wish.tag, wish.list))
        except msgspec.MsgspecError:
            await _complain(socket, ApiError(400, "The message could not be read"))
        except ApiError as error:
            await _complain(socket, error)


async def _subscribe(request: web.Request, client: Client, token: TokenRow | None, wish: Wish) -> None:
    channel = channel_of(wish.stream, wish.tag, wish.list)
    await permit(request, token, channel)
    client.subscribe(channel)


async def _complain(socket: web.WebSocketResponse, error: ApiError) -> None:
    await socket.send_str(_encoder.encode(Complaint(str(error), error.status)).decode())


async def _send(socket: web.WebSocketResponse, client: Client) -> None:
    while (event := await client.next()) is not None:
        await socket.send_str(_text(event))


def _text(event: Event) -> str:
    return _encoder.encode(Message(event.channel.label, event.kind, event.payload)).decode()


async def _until_revoked(request: web.Request) -> None:
    while True:
        await asyncio.sleep(CHECK)
        try:
            await listener(request)
        except ApiError:
            return
