"""How a strict server looks at what arrives: fetch the key that signed it, verify, say what is wrong."""

import asyncio
from datetime import UTC, datetime
from urllib.parse import urldefrag, urlsplit

import aiohttp
from aiohttp import web

from services.load_generator.population import Population
from shared.protocol.errors import Malformed
from shared.protocol.objects import PublicKey
from shared.protocol.reader import read_actor
from shared.signatures.keys import load_private
from shared.signatures.refused import Refused
from shared.signatures.request import Scheme, SignedRequest
from shared.signatures.sign import sign_request
from shared.signatures.verify import parse, verify

VALID = "valid"
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_OK = 200
_ACCEPT = "application/activity+json"


class Inspector:
    """Verifies the requests of one target; its keys are fetched once, by a signed GET.

    Args:
        population: Its first live actor signs the GETs.
        origin: Scheme and host of the target: no key of anybody else is fetched.
        address: Where to connect to instead of the origin's host, as host:port.
    """

    def __init__(self, population: Population, origin: str, address: str = "") -> None:
        self._population = population
        self._origin = origin
        self._base = f"{urlsplit(origin).scheme}://{address}" if address else origin
        self._keys: dict[str, asyncio.Task[PublicKey | None]] = {}
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def verdict(self, request: web.BaseRequest, host: str, body: bytes) -> str:
        """Return `valid`, or why the request cannot be trusted."""
        headers = tuple((name.lower(), value) for name, value in request.headers.items())
        signed = SignedRequest(request.method, request.path_qs, headers, body)
        try:
            parsed = parse(signed)
            key = await self._key(parsed.key_id)
            if key is None:
                return "key_unavailable"
            verify(parsed, signed, key, origin=f"http://{host}", now=datetime.now(UTC))
        except Refused as refused:
            return str(refused.why)
        return VALID

    async def _key(self, key_id: str) -> PublicKey | None:
        if not key_id.startswith(f"{self._origin}/"):
            return None
        if key_id not in self._keys:
            self._keys[key_id] = asyncio.create_task(self._fetch(key_id))
        key = await asyncio.shield(self._keys[key_id])
        if key is None:
            self._keys.pop(key_id, None)
        return key

    async def _fetch(self, key_id: str) -> PublicKey | None:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        document = urldefrag(key_id).url
        actor = self._population.actor(0)
        signed = sign_request(
            Scheme.CAVAGE,
            "GET",
            document,
            None,
            key_id=actor.key_id,
            private_key=load_private(self._population.keys.pair(actor.number).private_der),
            now=datetime.now(UTC),
        )
        headers = {**dict(signed), "Accept": _ACCEPT, "User-Agent": "heddle-load"}
        try:
            url = self._base + document.removeprefix(self._origin)
            async with self._session.get(url, headers=headers, allow_redirects=False) as answer:
                if answer.status != _OK:
                    return None
                profile = read_actor(await answer.read())
        except (aiohttp.ClientError, TimeoutError, Malformed):
            return None
        return next((key for key in profile.keys if key.id == key_id), None)
