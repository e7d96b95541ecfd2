"""One fake host: what it serves, what comes to its inboxes, and how it misbehaves."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.fakes.behaviour import Behaviour, misbehave
from tests.fakes.remote_actor import FLAVOURS, Json, RemoteActor
from tests.fakes.signing import Claim, Signing, problem_of, read_claim

if TYPE_CHECKING:
    from tests.fakes.remote_server import RemoteServer

ACTIVITY_JSON = "application/activity+json"
DEADLINE = 10.0


@dataclass(frozen=True)
class Answer:
    """What Heddle answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Received:
    """A request that came to an inbox; `problem` says what was wrong with its signature, if anything.

    `at` is of the monotonic clock; `activity` is empty unless the body is a JSON object; `status` is what
    was answered, 0 for a connection that was closed instead.
    """

    path: str
    headers: Mapping[str, str]
    body: bytes
    activity: Json
    at: float
    scheme: str
    key_id: str
    problem: str
    status: int

    @property
    def type(self) -> object:
        """The activity's type."""
        return self.activity.get("type")


@dataclass(eq=False)
class RemoteHost:
    """One host of the fake fediverse; made by `RemoteServer.host`.

    `schemes` are the signatures that its inbox takes, `ed25519` for RFC 9421 with such a key; `verify` may
    be set to False where no key can be fetched. `software` is what NodeInfo says. `accept` is the only Accept
    that documents are served to, where there is one. `received` holds what came to an inbox, `fetched` the
    paths that were asked for.
    """

    server: "RemoteServer"
    authority: str
    schemes: frozenset[str] = frozenset({"cavage", "rfc9421"})
    verify: bool = True
    software: str = "fake"
    accept: str = ""
    received: list[Received] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    actors: dict[str, RemoteActor] = field(default_factory=dict)
    _documents: dict[str, tuple[bytes, str, int]] = field(default_factory=dict)
    _behaviours: dict[str, Behaviour] = field(default_factory=dict)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def origin(self) -> str:
        """Scheme and host of all URIs."""
        return f"http://{self.authority}"

    @property
    def shared_inbox(self) -> str:
        """The inbox that most servers offer for all of their users."""
        return f"{self.origin}/inbox"

    def actor(self, name: str, flavour: str = "mastodon", *, locked: bool = False) -> RemoteActor:
        """Return the actor of this name, made and served on the first call."""
        if name not in self.actors:
            self.actors[name] = RemoteActor(self, name, FLAVOURS[flavour], locked)
            self.serve_actor(self.actors[name])
        return self.actors[name]

    def serve_actor(self, actor: RemoteActor) -> None:
        """Serve an actor's document as it is now, and the key's where that has one of its own."""
        self.serve(actor.document(), secure=actor.flavour.secure)
        if "#" not in actor.key_id:
            key = {"id": actor.id, "type": "Person", "preferredUsername": actor.name}
            self.serve(key | {"publicKey": actor.public_key()}, at=actor.key_id)

    def serve(
        self, document: Json, *, at: str = "", content_type: str = ACTIVITY_JSON, secure: int = 0
    ) -> None:
        """Serve a document under its id or another URL; `secure` answers unsigned requests with a status."""
        path = urlsplit(at or str(document["id"])).path
        self._documents[path] = (self.encode(document), content_type, secure)

    def withdraw(self, uri: str) -> None:
        """Serve a document no longer."""
        self._documents.pop(urlsplit(uri).path, None)

    def behave(self, path: str, **how: object) -> Behaviour:
        """Misbehave on a path, or everywhere for `*`; see `Behaviour`."""
        self._behaviours[path] = Behaviour(**how)  # type: ignore[arg-type]  # names are checked by the class
        return self._behaviours[path]

    def behave_well(self, path: str = "") -> None:
        """Misbehave no longer, on a path or at all."""
        if path:
            self._behaviours.pop(path, None)
        else:
            self._behaviours.clear()

    @staticmethod
    def encode(document: Json) -> bytes:
        """Return a document as this host writes it."""
        return json.dumps(document, ensure_ascii=False).encode()

    async def deliver(self, activity: Json, to_inbox: str, scheme: Signing | str = "cavage") -> Answer:
        """Post an activity, signed by the actor that it names."""
        signer = next(actor for actor in self.actors.values() if actor.id == activity["actor"])
        return await signer.deliver(activity, to_inbox, scheme)

    async def post(self, inbox: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post bytes with these headers, as they are."""
        return await self.server.request("POST", inbox, {"Content-Type": ACTIVITY_JSON, **headers}, body)

    def activities(self, kind: str = "") -> list[Received]:
        """Return what came to an inbox and was taken, in order."""
        return [one for one in self.received if 200 <= one.status < 300 and kind in {"", one.type}]

    async def wait_for(
        self,
        type: str = "",  # noqa: A002 - the word of the protocol
        *,
        where: Callable[[Json], bool] | None = None,
        count: int = 1,
        deadline: float = DEADLINE,
    ) -> Received:
        """Return the count-th activity that was taken and fits; fails when the deadline passes."""

        def fitting() -> list[Received]:
            return [one for one in self.activities(type) if where is None or where(one.activity)]

        try:
            async with asyncio.timeout(deadline), self._news:
                await self._news.wait_for(lambda: len(fitting()) >= count)
        except TimeoutError:
            came = [(one.type, one.path, one.status, one.problem) for one in self.received]
            raise AssertionError(
                f"{self.authority}: {len(fitting())} of {count} {type!r} within {deadline} s; came: {came}"
            ) from None
        return fitting()[count - 1]

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        behaviour = self._behaviours.get(request.path) or self._behaviours.get("*")
        changed = behaviour if behaviour is not None and behaviour.use() else None
        if request.method == "POST":
            usual = await self._take(request, changed)
        else:
            usual = await self._give(request)
        return await misbehave(changed, request, usual) if changed else usual

    async def _give(self, request: web.BaseRequest) -> web.Response:
        self.fetched.append(request.path_qs)
        if request.path == "/.well-known/webfinger":
            return self._webfinger(request.query.get("resource", ""))
        if request.path in {"/.well-known/nodeinfo", "/nodeinfo/2.0"}:
            return web.json_response(self._node_info(request.path))
        return await self._document(request)

    async def _document(self, request: web.BaseRequest) -> web.Response:
        found = self._documents.get(request.path)
        if found is None:
            return web.json_response({"error": "not found"}, status=404)
        if self.accept and request.headers.get("Accept") != self.accept:
            return web.json_response({"error": "not acceptable"}, status=406)
        body, content_type, secure = found
        if secure and await self._judge(request, b""):
            if secure == web.HTTPOk.status_code:
                return web.Response(body=_stripped(body), headers={"Content-Type": content_type})
            return web.json_response({"error": "signature required"}, status=secure)
        return web.Response(body=body, headers={"Content-Type": content_type})

    def _node_info(self, path: str) -> Json:
        if path == "/.well-known/nodeinfo":
            rel = "http://nodeinfo.diaspora.software/ns/schema/2.0"
            return {"links": [{"rel": rel, "href": f"{self.origin}/nodeinfo/2.0"}]}
        software = {"name": self.software, "version": "1.0.0"}
        return {"version": "2.0", "software": software, "protocols": ["activitypub"], "usage": {"users": {}}}

    def _webfinger(self, resource: str) -> web.Response:
        for actor in self.actors.values():
            if resource in {f"acct:{actor.acct}", actor.id}:
                links = [{"rel": "self", "type": ACTIVITY_JSON, "href": actor.id}]
                found = {"subject": f"acct:{actor.acct}", "aliases": [actor.id], "links": links}
                return web.json_response(found, content_type="application/jrd+json")
        return web.json_response({"error": "not found"}, status=404)

    async def _take(self, request: web.BaseRequest, changed: Behaviour | None) -> web.Response:
        body = await request.read()
        problem = await self._judge(request, body)
        status = 401 if problem else 202
        self.received.append(
            self._note_down(request, body, problem, changed.status_for(status) if changed else status)
        )
        async with self._news:
            self._news.notify_all()
        return web.json_response({"error": problem}, status=401) if problem else web.Response(status=202)

    async def _judge(self, request: web.BaseRequest, body: bytes) -> str:
        claim, headers = self._claim(request)
        if not self.verify:
            return ""
        key = await self.server.key(claim.key_id, self) if claim.scheme else None
        manner = "ed25519" if isinstance(key, Ed25519PublicKey) else claim.scheme
        if manner not in self.schemes:
            return f"no signature of {sorted(self.schemes)} but {manner!r}"
        return "no such key" if key is None else problem_of(claim, headers, body, key)

    def _claim(self, request: web.BaseRequest) -> tuple[Claim, dict[str, str]]:
        headers = {name.lower(): value for name, value in request.headers.items()}
        return read_claim(request.method, self.origin + request.path_qs, headers), headers

    def _note_down(self, request: web.BaseRequest, body: bytes, problem: str, status: int) -> Received:
        claim, headers = self._claim(request)
        try:
            document = json.loads(body)
        except ValueError:
            document = {}
        return Received(
            path=request.path_qs,
            headers=headers,
            body=body,
            activity=document if isinstance(document, dict) else {},
            at=time.monotonic(),
            scheme=claim.scheme,
            key_id=claim.key_id,
            problem=problem,
            status=status,
        )


def _stripped(body: bytes) -> bytes:
    """Return an actor without what it says of itself; anything else as it is."""
    document = json.loads(body)
    kept = {"@context", "id", "type", "inbox", "outbox", "endpoints", "preferredUsername", "publicKey"}
    if "preferredUsername" in document:
        document = {name: value for name, value in document.items() if name in kept}
    return json.dumps(document).encode()
