"""Whom we may put under load: this machine and private networks, or who has said yes.

An operator says yes with `HEDDLE_LOAD_TEST_CONSENT` on the gateway. The generator then sends a challenge to
`/.well-known/heddle/load-consent`; only who knows the same secret can answer it, for this host alone.
"""

import asyncio
import hashlib
import hmac
import ipaddress
import secrets
import socket
from urllib.parse import urlsplit

import aiohttp
from msgspec import Struct

from shared.protocol.errors import Rejected, Unavailable
from shared.remote.addresses import PeerPolicy

CONSENT_PATH = "/.well-known/heddle/load-consent"
MIN_SECRET = 16
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_MAX_ANSWER = 1024
_OK = 200


class NotAllowed(Rejected):
    """The target is neither private nor has it consented."""

    reason = "not_allowed"


class Unreachable(Unavailable):
    """The target does not answer."""

    reason = "unreachable"


class Place(Struct, frozen=True, kw_only=True):
    """Where a target is: its origin, and the one address that was checked and is connected to."""

    origin: str
    host: str
    address: str
    port: int
    tls: bool

    @property
    def base(self) -> str:
        """Scheme, address and port to connect to; the origin's host goes into the Host header."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{'https' if self.tls else 'http'}://{address}:{self.port}"

    @property
    def name(self) -> str:
        """The name that a certificate must bear."""
        return urlsplit(self.origin).hostname or ""


async def locate(origin: str) -> Place:
    """Return where a target is; raises NotAllowed for what is no origin, Unreachable where it has no name."""
    parts = urlsplit(origin)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}:
        raise NotAllowed(f"{origin!r} is not an origin such as http://loom.localhost:8080")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Place(
        origin=f"{parts.scheme}://{parts.netloc}",
        host=parts.netloc,
        address=await _address(parts.hostname, port),
        port=port,
        tls=parts.scheme == "https",
    )


async def _address(host: str, port: int) -> str:
    if host == "localhost" or host.endswith(".localhost"):
        return "127.0.0.1"
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unreachable(f"{host} has no address: {error}") from error
    return str(found[0][4][0])


def is_private(address: str) -> bool:
    """Tell whether an address is of this machine or of a private network."""
    return PeerPolicy(allow_private=True).is_exempt(str(ipaddress.ip_address(address)))


async def check(place: Place, secret: str) -> str:
    """Return why the target may be put under load; raises NotAllowed."""
    if is_private(place.address):
        return f"{place.address} is private"
    if not secret:
        raise NotAllowed(
            f"{place.host} ({place.address}) is neither this machine nor in a private network. Its operator "
            "can consent: set HEDDLE_LOAD_TEST_CONSENT to a secret of 16 characters or more on the gateway, "
            "and give the same to --consent"
        )
    await _challenge(place, secret)
    return f"{place.host} has consented"


async def _challenge(place: Place, secret: str) -> None:
    challenge = secrets.token_urlsafe(24)
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.get(
                f"{place.base}{CONSENT_PATH}",
                params={"challenge": challenge},
                headers={"Host": place.host},
                server_hostname=place.name if place.tls else None,
                allow_redirects=False,
            ) as answer,
        ):
            said = (await answer.content.read(_MAX_ANSWER)).decode(errors="replace").strip()
            status = answer.status
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unreachable(f"{place.origin} does not answer: {type(error).__name__}") from error
    if status != _OK or not hmac.compare_digest(said, proof(secret, place.host, challenge)):
        raise NotAllowed(f"{place.host} does not consent: it answered the challenge with {status}")


def proof(secret: str, host: str, challenge: str) -> str:
    """Return the one right answer to a challenge: an HMAC-SHA256 over the host and the challenge."""
    return hmac.new(secret.encode(), f"{host.lower()} {challenge}".encode(), hashlib.sha256).hexdigest()
