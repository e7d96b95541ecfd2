"""All servers of the simulated fediverse on one port: documents out, activities in, each one counted."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from msgspec import DecodeError, Struct, json

from services.load_generator.population import Population, SimulatedActor

ACTIVITY_JSON = "application/activity+json"


class _Head(Struct):
    id: str = ""
    type: str = ""


class Arrived(Struct, frozen=True):
    """One activity that reached an inbox; `at` is on the monotonic clock."""

    host: str
    path: str
    activity_id: str
    type: str
    at: float


class SimulatedServers:
    """Serves every host of a population and records what arrives.

    Args:
        population: Who lives there.
        on_arrival: Called with every activity, where someone waits for them.
    """

    def __init__(
        self, population: Population, *, on_arrival: Callable[[Arrived], None] | None = None
    ) -> None:
        self.population = population
        self.arrived: list[Arrived] = []
        self.requests: Counter[str] = Counter()
        self._on_arrival = on_arrival
        self._decoder = json.Decoder(_Head)
        self._runner: web.ServerRunner | None = None
        self._changed = asyncio.Event()

    async def start(self, address: str = "127.0.0.1") -> None:
        """Begin to listen on the population's port."""
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None))
        await self._runner.setup()
        await web.TCPSite(self._runner, address, self.population.port, backlog=4096).start()

    async def stop(self) -> None:
        """Close all connections."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def wait_until(self, reached: Callable[[], bool], *, seconds: float) -> None:
        """Return once the condition holds, asking anew after every arrival; raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not reached():
                self._changed.clear()
                await self._changed.wait()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        host = request.headers.get("Host", "").lower()
        path = request.path
        if request.method == "POST":
            return await self._receive(request, host, path)
        if path == "/.well-known/webfinger":
            return self._webfinger(request)
        return self._actor(host, path)

    async def _receive(self, request: web.BaseRequest, host: str, path: str) -> web.Response:
        body = await request.read()
        self.requests["inbox"] += 1
        try:
            head = self._decoder.decode(body)
        except DecodeError:
            return web.Response(status=400)
        arrived = Arrived(host, path, head.id, head.type, time.monotonic())
        self.arrived.append(arrived)
        if self._on_arrival is not None:
            self._on_arrival(arrived)
        self._changed.set()
        return web.Response(status=202)

    def _webfinger(self, request: web.BaseRequest) -> web.Response:
        self.requests["webfinger"] += 1
        resource = parse_qs(request.query_string).get("resource", [""])[0]
        username, _, host = resource.removeprefix("acct:").partition("@")
        actor = self.population.find(host, username) or self._by_uri(resource)
        if actor is None:
            return web.Response(status=404)
        return web.Response(body=self.population.webfinger(actor), content_type="application/jrd+json")

    def _actor(self, host: str, path: str) -> web.Response:
        self.requests["actor"] += 1
        username = path.removeprefix("/users/")
        actor = self.population.find(host, username)
        if actor is None:
            return web.Response(status=404)
        return web.Response(body=self.population.actor_document(actor), content_type=ACTIVITY_JSON)

    def _by_uri(self, uri: str) -> SimulatedActor | None:
        parts = urlsplit(uri)
        return self.population.find(parts.netloc, parts.path.removeprefix("/users/"))
