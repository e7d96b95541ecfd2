"""`*.localhost` means loopback (RFC 6761, section 6.3), whatever this machine's resolver says."""

from __future__ import annotations

import socket

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from deploy.local.ports import LOOPBACK


class LoopbackResolver(AbstractResolver):
    """Knows one address."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Answer with loopback."""
        del family
        return [
            ResolveResult(
                hostname=host,
                host=LOOPBACK,
                port=port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Nothing is open."""


def loopback_connector() -> aiohttp.TCPConnector:
    """Connections that stay on this machine."""
    return aiohttp.TCPConnector(resolver=LoopbackResolver())
