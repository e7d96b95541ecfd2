"""The one port of a local site: `POST …/inbox` to the inbox-receiver, the rest to the platform-gateway.

`python -m deploy.local.front HOST:PORT RECEIVER-URL GATEWAY-URL`. Deployments use a real reverse proxy.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import aiohttp
import uvloop
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

# RFC 9110, section 7.6.1: these belong to one connection.
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_CONNECT_WITHIN = 5.0
_STOP_WITHIN = 3.0


@dataclass(frozen=True, kw_only=True)
class Upstreams:
    """Where the two kinds of request go."""

    receiver: URL
    gateway: URL

    def of(self, method: str, path: str) -> URL:
        """Choose for one request; `path` is without its query."""
        return self.receiver if method == "POST" and path.endswith("/inbox") else self.gateway


def passed_on(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """The headers without those that concern this connection alone, repeated ones kept."""
    named = {name.strip().lower() for value in headers.getall("Connection", []) for name in value.split(",")}
    dropped = _HOP_BY_HOP | named
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in dropped)


def to_upstream(request: web.BaseRequest) -> CIMultiDict[str]:
    """The request's headers, with word of who asked for what. The host stays: signatures cover it."""
    headers = passed_on(request.headers)
    chain = [*request.headers.getall("X-Forwarded-For", []), request.remote or ""]
    headers["X-Forwarded-For"] = ", ".join(chain)
    headers["X-Forwarded-Host"] = request.host
    headers["X-Forwarded-Proto"] = request.scheme
    return headers


class Front:
    """Passes requests on and answers back, both as streams."""

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams
        self._session: aiohttp.ClientSession | None = None

    async def opened(self, _: web.Application) -> AsyncIterator[None]:
        """Hold the connections to the services for as long as the application runs."""
        # Bodies pass as they are: neither unpacked nor sent with cookies of other people.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_WITHIN),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )
        async with self._session:
            yield

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Pass one request on. A service that is down is a 502 with a reason."""
        if self._session is None:
            raise RuntimeError("the application has not started")
        path, _, _ = request.raw_path.partition("?")
        base = self._upstreams.of(request.method, path)
        target = URL(f"{base}{request.raw_path}", encoded=True)
        try:
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await _bridge(request, await self._dial(request, target))
            answer = await self._session.request(
                request.method,
                target,
                headers=to_upstream(request),
                data=request.content if request.body_exists else None,
                allow_redirects=False,
            )
        except aiohttp.WSServerHandshakeError as refused:
            return web.json_response({"error": refused.message}, status=refused.status)
        except (aiohttp.ClientConnectionError, TimeoutError):
            return _bad_gateway(base)
        async with answer:
            return await _pass_back(request, answer)

    async def _dial(self, request: web.Request, target: URL) -> aiohttp.ClientWebSocketResponse:
        if self._session is None:
            raise RuntimeError("the application has not started")
        offered = [part.strip() for part in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        headers = to_upstream(request)
        for name in {name for name in headers if name.lower().startswith("sec-websocket-")}:
            headers.popall(name)
        protocols = [part for part in offered if part]
        return await self._session.ws_connect(target, headers=headers, protocols=protocols)


async def _pass_back(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(
        status=answer.status, reason=answer.reason, headers=passed_on(answer.headers)
    )
    await response.prepare(request)
    async for chunk in answer.content.iter_any():
        await response.write(chunk)
    await response.write_eof()
    return response


async def _bridge(request: web.Request, upstream: aiohttp.ClientWebSocketResponse) -> web.StreamResponse:
    client = web.WebSocketResponse(protocols=[upstream.protocol] if upstream.protocol else [])
    await client.prepare(request)
    directions = [asyncio.create_task(_copy(client, upstream)), asyncio.create_task(_copy(upstream, client))]
    try:
        await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for direction in directions:
            direction.cancel()
        await upstream.close()
        await client.close()
    return client


_Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


async def _copy(source: _Socket, target: _Socket) -> None:
    async for message in source:
        if message.type is aiohttp.WSMsgType.TEXT:
            await target.send_str(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            await target.send_bytes(message.data)


def _bad_gateway(base: URL) -> web.Response:
    body = {
        "error": "Bad gateway",
        "error_description": f"The service at {base} does not answer; it may be starting.",
    }
    return web.json_response(body, status=502, headers={"Retry-After": "1"})


def application(upstreams: Upstreams) -> web.Application:
    """Build the front's web application."""
    front = Front(upstreams)
    app = web.Application()
    app.cleanup_ctx.append(front.opened)
    app.router.add_route("*", "/{path:.*}", front.handle)
    return app


def main(arguments: Sequence[str]) -> None:
    """Serve until SIGTERM."""
    listen, receiver, gateway = arguments
    host, _, port = listen.rpartition(":")
    upstreams = Upstreams(receiver=URL(receiver), gateway=URL(gateway))
    web.run_app(
        application(upstreams),
        host=host,
        port=int(port),
        print=None,
        access_log=None,
        shutdown_timeout=_STOP_WITHIN,
        handler_cancellation=True,
        loop=uvloop.new_event_loop(),
    )


if __name__ == "__main__":
    main(sys.argv[1:])
