"""All servers of the simulated fediverse in one process: documents out, activities in, each one counted."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from msgspec import DecodeError, Raw, Struct, json

from services.load_generator.characters import Cast, Character, everyone_good
from services.load_generator.inspection import VALID, Inspector
from services.load_generator.population import Population, SimulatedActor

ACTIVITY_JSON = "application/activity+json"
_GOOD = Character()
_ACCEPTED, _UNAUTHORIZED, _UNAVAILABLE = 202, 401, 503
_DRIPS = 60
"""Bytes of a dripping answer, one a second."""


class _Object(Struct):
    id: str = ""


class _Head(Struct):
    id: str = ""
    type: str = ""
    object: _Object | str | list[Raw] | None = None


class Arrived(Struct, frozen=True):
    """One activity that reached an inbox; `at` is on the monotonic clock.

    `status` is what was answered, 0 where the other side left before; `verdict` is empty where the
    signature was not looked at.
    """

    host: str
    path: str
    activity_id: str
    type: str
    at: float
    object_id: str = ""
    status: int = _ACCEPTED
    verdict: str = ""


class SimulatedServers:
    """Serves every host of a population and records what arrives.

    Args:
        population: Who lives there.
        on_arrival: Called with every activity; where nobody waits for them they are kept in `arrived`.
        cast: How the servers behave; all well unless given.
        inspector: Verifies signatures.
        verify: The share of signatures that servers check which are not strict.
        seed: Makes their moods repeatable.
        acting: Whether they behave so from the start; until `act` all are good otherwise.
    """

    def __init__(
        self,
        population: Population,
        *,
        on_arrival: Callable[[Arrived], None] | None = None,
        cast: Cast | None = None,
        inspector: Inspector | None = None,
        verify: float = 0.0,
        seed: int = 0,
        acting: bool = True,
    ) -> None:
        self.population = population
        self.arrived: list[Arrived] = []
        self.requests: Counter[str] = Counter()
        self._on_arrival = on_arrival or self.arrived.append
        self._cast = cast or everyone_good(population.hosts)
        self._inspector = inspector
        self._verify = verify if inspector else 0.0
        self._chance = random.Random(seed)
        self._decoder = json.Decoder(_Head)
        self._runner: web.ServerRunner | None = None
        self._changed = asyncio.Event()
        self._outage = 0
        self._acting = acting
        self._doomed: list[web.TCPSite] = []

    async def start(self, address: str = "127.0.0.1") -> None:
        """Begin to listen on the population's ports."""
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=1.0)
        await self._runner.setup()
        dead = set(self.population.dead_ports)
        for port in self.population.ports + ([] if self._acting else sorted(dead)):
            site = web.TCPSite(self._runner, address, port, backlog=4096)
            await site.start()
            if port in dead:
                self._doomed.append(site)

    async def act(self) -> None:
        """Let every server behave as its character says; the dead ones close their doors."""
        self._acting = True
        for site in self._doomed:
            await site.stop()
        self._doomed.clear()

    async def stop(self) -> None:
        """Close all connections."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._inspector is not None:
            await self._inspector.close()

    def break_down(self, share: float) -> None:
        """Let the first servers, this share of them, answer 503 from now on; 0 mends them."""
        self._outage = round(share * self.population.hosts)

    async def wait_until(self, reached: Callable[[], bool], *, seconds: float) -> None:
        """Return once the condition holds, asking anew after every arrival; raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not reached():
                self._changed.clear()
                await self._changed.wait()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        host = request.headers.get("Host", "").lower()
        number = self.population.host_number(host)
        character = _GOOD if number is None or not self._acting else self._cast.of(number)
        if character.dead:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        if request.method == "POST":
            return await self._receive(request, host, number, character)
        if character.latency or character.jitter:
            await asyncio.sleep(self._delay(character))
        return await self._document(request, host, character)

    def _delay(self, character: Character) -> float:
        return character.latency + character.jitter * self._chance.random()

    async def _receive(
        self, request: web.BaseRequest, host: str, number: int | None, character: Character
    ) -> web.StreamResponse:
        body = await request.read()
        at = time.monotonic()
        self.requests["inbox"] += 1
        try:
            head = self._decoder.decode(body)
        except DecodeError:
            return web.Response(status=400)
        verdict = await self._inspect(request, host, body, character)
        if character.latency or character.jitter:
            await asyncio.sleep(self._delay(character))
        if character.dripping:
            return await self._drip(request)
        status = self._status(number, character, verdict)
        self._record(Arrived(host, request.path, head.id, head.type, at, _object_id(head), status, verdict))
        headers = {"Retry-After": str(character.retry_after)} if _wants_pause(status, character) else None
        return web.Response(status=status, headers=headers)

    async def _inspect(self, request: web.BaseRequest, host: str, body: bytes, character: Character) -> str:
        if self._inspector is None or not (character.strict or self._chance.random() < self._verify):
            return ""
        return await self._inspector.verdict(request, host, body)

    def _status(self, number: int | None, character: Character, verdict: str) -> int:
        if number is not None and number < self._outage:
            return _UNAVAILABLE
        if character.strict and verdict not in {"", VALID}:
            return _UNAUTHORIZED
        return character.status if self._chance.random() < character.errors else _ACCEPTED

    def _record(self, arrived: Arrived) -> None:
        self._on_arrival(arrived)
        self._changed.set()

    async def _drip(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(status=_ACCEPTED, headers={"Content-Length": str(_DRIPS)})
        await response.prepare(request)
        for _ in range(_DRIPS):
            await response.write(b".")
            await asyncio.sleep(1)
        return response

    async def _document(self, request: web.BaseRequest, host: str, character: Character) -> web.Response:
        if request.path == "/.well-known/webfinger":
            return self._webfinger(request)
        if character.secure and self._inspector is not None:
            verdict = await self._inspector.verdict(request, host, b"")
            if verdict != VALID:
                self.requests["unsigned_fetch"] += 1
                return web.Response(status=_UNAUTHORIZED)
        return self._actor(host, request.path)

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
            return web.Response(status=410 if username.startswith("gone") else 404)
        return web.Response(body=self.population.actor_document(actor), content_type=ACTIVITY_JSON)

    def _by_uri(self, uri: str) -> SimulatedActor | None:
        parts = urlsplit(uri)
        return self.population.find(parts.netloc, parts.path.removeprefix("/users/"))


def _object_id(head: _Head) -> str:
    if isinstance(head.object, _Object):
        return head.object.id
    return head.object if isinstance(head.object, str) else ""


def _wants_pause(status: int, character: Character) -> bool:
    return bool(character.retry_after) and status == character.status
