"""The one port of a local site."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from deploy.local.front import Front, Place, Upstreams

BIG = 3 * 1024 * 1024


@dataclass
class Upstream:
    """A service that tells what it was asked."""

    name: str
    more: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer as the path asks."""
        if request.path == "/stream":
            return await self._stream(request)
        if request.path == "/socket":
            return await _echo(request)
        if request.path == "/broken-off":
            return await _break_off(request)
        if request.path == "/closed":
            return web.json_response({"error": "who are you?"}, status=401)
        if request.path == "/cookies":
            response = web.Response(status=302, headers={"Location": "/elsewhere"})
            response.headers.add("Set-Cookie", "a=1")
            response.headers.add("Set-Cookie", "b=2")
            return response
        told = {
            "name": self.name,
            "method": request.method,
            "path": request.raw_path,
            "length": len(await request.read()),
            "headers": dict(request.headers),
        }
        return web.json_response(told)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: first\n\n")
        await self.more.wait()
        await response.write(b"data: second\n\n")
        return response


async def _break_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"begun")
    assert request.transport is not None
    request.transport.close()
    return response


async def _echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(protocols=["token"])
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(f"{socket.ws_protocol}: {message.data}")
    return socket


@dataclass
class World:
    """A front with what stands behind it, and a client before it."""

    gateway: Upstream
    session: aiohttp.ClientSession
    origin: URL


@contextlib.asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[URL]:
    """Serve an application on a free port."""
    server = TestServer(app)
    await server.start_server()
    try:
        yield server.make_url("/")
    finally:
        await server.close()


@contextlib.asynccontextmanager
async def fronting(receiver: URL, gateway: URL) -> AsyncIterator[URL]:
    """Serve a front before these two on a free port."""
    front = Front(Upstreams(receiver=Place.of(str(receiver)), gateway=Place.of(str(gateway))))
    host, port = await front.start("127.0.0.1", 0)
    try:
        yield URL(f"http://{host}:{port}")
    finally:
        await front.stop()


def upstream_application(upstream: Upstream) -> web.Application:
    """An application around one upstream."""
    app = web.Application(client_max_size=2 * BIG)
    app.router.add_route("*", "/{path:.*}", upstream.answer)
    return app


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A receiver, a gateway, and the front before them."""
    gateway = Upstream("gateway")
    async with contextlib.AsyncExitStack() as stack:
        receiver_url = await stack.enter_async_context(serving(upstream_application(Upstream("receiver"))))
        gateway_url = await stack.enter_async_context(serving(upstream_application(gateway)))
        front = fronting(receiver_url.origin(), gateway_url.origin())
        origin = await stack.enter_async_context(front)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        yield World(gateway, session, origin)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/inbox", "receiver"),
        ("POST", "/users/1/inbox", "receiver"),
        ("POST", "/actor/inbox?x=1", "receiver"),
        ("GET", "/users/1/inbox", "gateway"),
        ("POST", "/api/v1/statuses", "gateway"),
        ("POST", "/search?q=/inbox", "gateway"),
        ("GET", "/@ada", "gateway"),
    ],
)
async def test_inboxes_go_to_the_receiver(world: World, method: str, path: str, name: str) -> None:
    """What servers post to an inbox goes to the receiver, everything else to the gateway."""
    async with world.session.request(method, f"{world.origin}{path}") as answer:
        assert (await answer.json())["name"] == name


async def test_what_a_signature_covers_arrives_unchanged(world: World) -> None:
    """Path, query, host and body arrive as they were sent, so signatures still hold."""
    target = URL(f"{world.origin}/a%2Fb/%C3%BC?q=%20x&y", encoded=True)
    headers = {"Host": "loom.localhost:8080", "Digest": "SHA-256=abc", "Date": "today"}
    async with world.session.post(target, data=io.BytesIO(bytes(BIG)), headers=headers) as answer:
        told = await answer.json()
    assert told["path"] == "/a%2Fb/%C3%BC?q=%20x&y"
    assert told["length"] == BIG
    assert told["headers"]["Host"] == "loom.localhost:8080"
    assert told["headers"]["Digest"] == "SHA-256=abc"
    assert told["headers"]["Content-Length"] == str(BIG)


async def test_the_services_learn_who_asked(world: World) -> None:
    """The client's address is added to those before it; the host asked for is named."""
    headers = {"Host": "loom.localhost:8080", "X-Forwarded-For": "192.0.2.1"}
    async with world.session.get(f"{world.origin}/", headers=headers) as answer:
        told = (await answer.json())["headers"]
    assert told["X-Forwarded-For"] == "192.0.2.1, 127.0.0.1"
    assert told["X-Forwarded-Host"] == "loom.localhost:8080"
    assert told["X-Forwarded-Proto"] == "http"


async def test_nothing_is_invented(world: World) -> None:
    """A request without optional headers arrives without them."""
    async with world.session.get(
        f"{world.origin}/", skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding")
    ) as answer:
        told = (await answer.json())["headers"]
    assert not {"User-Agent", "Accept", "Accept-Encoding"} & set(told)


async def test_answers_come_back_as_they_are(world: World) -> None:
    """Redirects are not followed, repeated headers stay apart."""
    async with world.session.get(f"{world.origin}/cookies", allow_redirects=False) as answer:
        assert answer.status == 302
        assert answer.headers["Location"] == "/elsewhere"
        assert answer.headers.getall("Set-Cookie") == ["a=1", "b=2"]


async def test_streams_are_not_held_back(world: World) -> None:
    """The first event arrives while the answer is still being written."""
    async with world.session.get(f"{world.origin}/stream") as answer:
        assert await answer.content.readuntil(b"\n\n") == b"data: first\n\n"
        world.gateway.more.set()
        assert await answer.content.read() == b"data: second\n\n"


async def test_web_sockets_pass_both_ways(world: World) -> None:
    """A web socket is bridged, with the protocol that the service chose."""
    async with world.session.ws_connect(f"{world.origin}/socket", protocols=["token"]) as socket:
        await socket.send_str("hello")
        assert await socket.receive_str() == "token: hello"


async def test_a_web_socket_that_is_refused_is_refused_with_its_status(world: World) -> None:
    """Where the service opens no web socket, the client learns the status it gave."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await world.session.ws_connect(f"{world.origin}/closed")
    assert refused.value.status == 401


async def test_a_service_that_is_down_is_a_502_with_a_reason() -> None:
    """While a service restarts, clients get an answer in the form they know."""
    nobody = URL("http://127.0.0.1:9")
    async with (
        fronting(nobody, nobody) as origin,
        aiohttp.ClientSession() as session,
        session.get(origin) as answer,
    ):
        assert answer.status == 502
        assert set(await answer.json()) == {"error", "error_description"}


async def said(origin: URL, sent: bytes) -> bytes:
    """Return all that is answered to these bytes, the last of whose requests closes the connection."""
    reader, writer = await asyncio.open_connection(origin.host, origin.port)
    writer.write(sent)
    try:
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


async def test_requests_of_one_connection_are_answered_in_their_order(world: World) -> None:
    """What is asked before the last answer has come is answered in turn, by whichever service it is for."""
    answers = await said(
        world.origin,
        b"POST /inbox HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
        b"HEAD /head HTTP/1.1\r\nHost: x\r\n\r\n"
        b"GET /third HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )
    assert answers.count(b"HTTP/1.1 200 OK") == 3
    first, third = answers.find(b'"path": "/inbox"'), answers.find(b'"path": "/third"')
    assert -1 < first < third
    assert b'"path": "/head"' not in answers


async def test_a_body_without_a_length_told_arrives_whole(world: World) -> None:
    """A body sent in chunks arrives with every byte, and what stands behind it is no header."""
    answer = await said(
        world.origin,
        b"POST /inbox HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        b"3\r\nabc\r\n4\r\ndefg\r\n0\r\nX-Late: 1\r\n\r\n",
    )
    assert b'"length": 7' in answer
    assert b"X-Late" not in answer


async def test_what_could_be_read_in_two_ways_is_not_passed_on(world: World) -> None:
    """A request with two lengths reaches no service, and nothing that follows it does."""
    answer = await said(
        world.origin,
        b"POST /inbox HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"
        b"GET /second HTTP/1.1\r\nHost: x\r\n\r\n",
    )
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"path" not in answer


async def test_a_head_without_end_is_refused(world: World) -> None:
    """A head larger than a service would take is refused before it grows in memory."""
    answer = await said(
        world.origin, b"GET / HTTP/1.1\r\nHost: x\r\nX: " + bytes(b"a" * (70 << 10)) + b"\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one(world: World) -> None:
    """Where a service ends in the middle of an answer, the client's connection ends, too."""
    answer = await said(world.origin, b"GET /broken-off HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.endswith(b"begun")
