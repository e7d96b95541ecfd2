"""Connections that can only lead where they may: names and addresses are checked at the very socket."""

import asyncio
import socket
from collections.abc import Callable
from ipaddress import ip_address

from aiohttp import AddrInfoType, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from shared.remote.addresses import PeerPolicy
from shared.remote.errors import AddressBlocked, BadUrl
from shared.remote.resolver import Resolver
from shared.remote.tls import tls_context
from shared.remote.urls import is_address

SocketFactory = Callable[[AddrInfoType], socket.socket]

_HTTPS_PORT = 443
_FIRST_UNPRIVILEGED_PORT = 1024


class Guard:
    """Answers whether a URL may be requested.

    Args:
        policy: Which addresses are peers.
        resolver: Who knows the addresses of names.
    """

    def __init__(self, policy: PeerPolicy, resolver: Resolver) -> None:
        self.policy = policy
        self._resolver = resolver

    async def check(self, url: URL) -> tuple[str, ...]:
        """Return the addresses of a canonical URL if all may be connected to; raises Rejected, DnsFailed.

        HTTPS on port 443 or from 1024 up, unless the policy exempts the addresses: below lie services
        that have no business with a TLS client.
        """
        usual = url.scheme == "https" and (
            url.port == _HTTPS_PORT or (url.port or 0) >= _FIRST_UNPRIVILEGED_PORT
        )
        if not usual and not self.policy.has_exemptions:
            raise BadUrl(f"{url.scheme} on port {url.port}")
        addresses = await self.addresses(url.raw_host or "")
        if not usual and not all(map(self.policy.is_exempt, addresses)):
            raise BadUrl(f"{url.scheme} on port {url.port}")
        return addresses

    async def addresses(self, host: str) -> tuple[str, ...]:
        """Return the addresses of a host; raises AddressBlocked if any of them may not be reached.

        Any, not all: a name with one public and one private address is an attack.
        """
        addresses = (host,) if is_address(host) else tuple(await self._resolver.addresses(host))
        for address in addresses:
            if not self.policy.allows(address):
                raise AddressBlocked(f"{host} leads to {address}")
        return addresses


class _GuardedResolver(AbstractResolver):
    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 - both families are offered
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await self._guard.addresses(host)
        ]

    async def close(self) -> None:
        """Leave the resolver to its owner."""


def checked_socket(policy: PeerPolicy) -> SocketFactory:
    """Return what makes sockets, and refuses to for an address that is no peer.

    Whatever led here, the address that is about to be connected to has the last word.
    """

    def make(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        if not policy.allows(str(ip_address(address[0]))):
            raise AddressBlocked(f"a connection to {address[0]}")
        opened = socket.socket(family, kind, protocol)
        opened.setblocking(False)
        return opened

    return make


def guarded_connector(guard: Guard, *, connections: int, keep_alive: float) -> TCPConnector:
    """Return a connector whose every socket is checked against the policy before it connects.

    Args:
        guard: Who checks.
        connections: Exchanges at once.
        keep_alive: Seconds that an idle connection stays open.
    """
    return TCPConnector(
        resolver=_GuardedResolver(guard),
        use_dns_cache=False,
        ssl=tls_context(),
        limit=connections,
        keepalive_timeout=keep_alive,
        socket_factory=checked_socket(guard.policy),
        loop=asyncio.get_running_loop(),
    )
