"""A target that accepts Follows and delivers posts, well or with one fault on purpose."""

import asyncio
import json
import random
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from services.load_generator import payloads
from services.load_generator.keys import load_ring
from services.load_generator.population import Population, SimulatedActor
from services.load_generator.signing import sign_post
from tests.ports import free_port

_JSON = "application/activity+json"
_EVERY = 5


@dataclass(kw_only=True)
class FakeTarget:
    """One account, @ada, whose server does what it should, but for its `fault`.

    `loses` every fifth activity after it said 202, `doubles` every fifth answer, `delays` every fifth one by
    two seconds, `reorders` a Delete before its Create, `forges` its signatures, `refuses` with 500.
    """

    folder: Path
    fault: str = ""
    port: int = field(default_factory=free_port)
    received: list[str] = field(default_factory=list)
    followers: list[str] = field(default_factory=list)
    published: dict[str, str] = field(default_factory=dict)
    _count: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Give the account its keys."""
        self.origin = f"http://127.0.0.1:{self.port}"
        host = f"127.0.0.1:{self.port}"
        self.keys = load_ring(self.folder / "target-keys", 2)
        self.ada = SimulatedActor(number=0, host=host, username="ada", uri=f"{self.origin}/users/ada")
        self._lives = Population(hosts=1, actors_per_host=1, port=self.port, keys=self.keys)

    async def __aenter__(self) -> Self:
        """Listen."""
        app = web.Application()
        app.router.add_get("/.well-known/webfinger", self._webfinger)
        app.router.add_get("/users/ada", self._document)
        app.router.add_post("/inbox", self._inbox)
        app.router.add_post("/users/ada/inbox", self._inbox)
        app.router.add_get("/api/v1/accounts/verify_credentials", self._myself)
        app.router.add_get("/api/v1/notifications", self._notifications)
        app.router.add_post("/api/v1/statuses", self._publish)
        app.router.add_delete("/api/v1/statuses/{id}", self._remove)
        self._session = aiohttp.ClientSession()
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        for task in self._tasks:
            task.cancel()
        await self._runner.cleanup()
        await self._session.close()

    async def _webfinger(self, _: web.Request) -> web.Response:
        return web.Response(body=self._lives.webfinger(self.ada), content_type="application/jrd+json")

    async def _document(self, _: web.Request) -> web.Response:
        return web.Response(body=self._lives.actor_document(self.ada), content_type=_JSON)

    async def _myself(self, _: web.Request) -> web.Response:
        return web.json_response({"id": "1", "username": "ada"})

    async def _notifications(self, _: web.Request) -> web.Response:
        return web.json_response([])

    async def _inbox(self, request: web.Request) -> web.Response:
        activity = json.loads(await request.read())
        if self.fault == "refuses":
            return web.Response(status=500)
        self.received.append(activity["id"])
        if activity["type"] == "Follow":
            self._follow(activity["id"], activity["actor"])
        return web.Response(status=202)

    def _follow(self, follow_id: str, follower: str) -> None:
        host = urlsplit(follower).netloc
        if host not in self.followers:
            self.followers.append(host)
        self._later(self._answer(host, payloads.accept(self.ada, follow_id, follower)))

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, host: str, body: bytes) -> None:
        self._count += 1
        struck = self._count % _EVERY == 0
        if struck and self.fault == "loses":
            return
        if struck and self.fault == "delays":
            await asyncio.sleep(2.0)  # the fault itself
        await self._deliver(host, body)
        if struck and self.fault == "doubles":
            await self._deliver(host, body)

    def signed(self, host: str, body: bytes) -> dict[str, str]:
        """Return the headers of a delivery to a server's inbox, signed by @ada unless it `forges`."""
        forged = 1 if self.fault == "forges" else None
        request = sign_post(self.keys, self.ada, f"http://{host}/inbox", "", body, signed_by=forged)
        head = request.wire.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        return dict(line.split(": ", 1) for line in head)

    async def _deliver(self, host: str, body: bytes) -> None:
        headers = self.signed(host, body)
        url = f"http://127.0.0.1:{host.rpartition(':')[2]}/inbox"
        async with self._session.post(url, data=body, headers=headers) as answer:
            await answer.read()

    async def _publish(self, _: web.Request) -> web.Response:
        number = str(random.randrange(1 << 40))
        uri = payloads.note_uri(self.ada, number)
        self.published[number] = uri
        if self.fault != "reorders":
            self._later(self._send_all(payloads.create(self.ada, number)))
        return web.json_response({"id": number, "uri": uri})

    async def _remove(self, request: web.Request) -> web.Response:
        number = request.match_info["id"]
        await self._send_all(payloads.delete(self.ada, number))
        if self.fault == "reorders":
            self._later(self._send_all(payloads.create(self.ada, number)))
        return web.json_response({})

    async def _send_all(self, body: bytes) -> None:
        for host in self.followers:
            await self._answer(host, body)
