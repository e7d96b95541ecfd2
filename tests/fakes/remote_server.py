"""A fake fediverse on loopback: many hosts in one process, each with actors, documents and an inbox.

async with RemoteServer() as server:
birch = server.host("birch")                       # http://birch.localhost:PORT
nora = birch.actor("nora")                         # shaped as on Mastodon; see FLAVOURS
await nora.deliver(nora.activity("Follow", ada), ada_inbox)
accept = await birch.wait_for("Accept")            # verified, in order of receipt
birch.behave("/inbox", status=503, times=2)        # and trouble where it is wanted
"""

import io
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from multidict import CIMultiDict
from yarl import URL

from tests.fakes.remote_actor import Json
from tests.fakes.remote_host import DEADLINE, Answer, RemoteHost
from tests.fakes.signing import PublicKey, from_multibase

_PROFILE = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'


class RemoteServer:
    """Serves any number of fake hosts on one port of loopback.

    Args:
        address: The loopback address to listen on.
        port: The port; a free one unless given.
    """

    def __init__(self, address: str = "127.0.0.1", port: int = 0) -> None:
        self.address = address
        self.port = port
        self._hosts: dict[str, RemoteHost] = {}
        self._keys: dict[str, PublicKey] = {}
        self._routes: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._dispatch), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.address, self.port).start()
        self.port = self._runner.addresses[0][1]
        self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DEADLINE))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()
        await self._runner.cleanup()

    def host(self, name: str = "") -> RemoteHost:
        """Return the host `name.localhost`, or that of the bare address; made on the first call."""
        authority = f"{name}.localhost:{self.port}" if name else f"{self.address}:{self.port}"
        return self._hosts.setdefault(authority, RemoteHost(self, authority))

    def named(self, authority: str) -> RemoteHost:
        """Return the host of this name and port, which somebody's DNS has to lead here."""
        return self._hosts.setdefault(authority, RemoteHost(self, authority))

    def route(self, origin: str, url: str) -> None:
        """Send requests for an origin to where it really listens, such as a port of the moment."""
        self._routes[urlsplit(origin).netloc] = urlsplit(url).netloc

    def trust(self, key_id: str, pem: str) -> None:
        """Know a key without fetching it."""
        key = load_pem_public_key(pem.encode())
        self._keys[key_id] = key  # type: ignore[assignment]  # RSA or Ed25519 in these tests

    async def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """Send a request to Heddle, wherever its name leads."""
        parts = urlsplit(url)
        place = self._routes.get(parts.netloc, parts.netloc)
        if (parts.hostname or "").endswith("localhost") and parts.netloc not in self._routes:
            place = f"127.0.0.1:{parts.port or 80}"
        located = parts._replace(netloc=place).geturl()
        # A header may come more than once: that is one of the attacks.
        sent = CIMultiDict(headers)
        sent.setdefault("Host", parts.netloc)
        data = io.BytesIO(body) if body is not None else None
        async with self._client.request(
            method, URL(located, encoded=True), headers=sent, data=data, allow_redirects=False
        ) as answer:
            return Answer(answer.status, dict(answer.headers), await answer.read())

    async def key(self, key_id: str, asking: RemoteHost | None = None) -> PublicKey | None:
        """Return the key of this id, fetched from its owner on the first call.

        A host that asks signs with its instance actor's key where nobody is answered unsigned.
        """
        if key_id not in self._keys:
            url = key_id.partition("#")[0]
            answer = await self.request("GET", url, {"Accept": _PROFILE}, None)
            if answer.status == web.HTTPUnauthorized.status_code and asking is not None:
                signed = asking.actor("instance").signed("GET", url, None)
                answer = await self.request("GET", url, {"Accept": _PROFILE, **signed}, None)
            found = _key_in(json.loads(answer.body), key_id) if answer.status == 200 else None
            if found is None:
                return None
            self._keys[key_id] = found
        return self._keys[key_id]

    async def _dispatch(self, request: web.BaseRequest) -> web.StreamResponse:
        host = self._hosts.get(request.host)
        if host is None:
            return web.Response(status=421, text=f"no host {request.host} here")
        return await host.handle(request)


def _key_in(document: Json, key_id: str) -> PublicKey | None:
    for name in ("publicKey", "assertionMethod"):
        listed = document.get(name, [])
        for key in listed if isinstance(listed, list) else [listed]:
            if isinstance(key, dict) and key.get("id") == key_id:
                if "publicKeyPem" in key:
                    return load_pem_public_key(str(key["publicKeyPem"]).encode())  # type: ignore[return-value]
                return from_multibase(str(key["publicKeyMultibase"]))
    return None
