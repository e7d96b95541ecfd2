"""Names to addresses, off the event loop, remembered no longer than they are valid."""

import asyncio
import socket
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

import aiodns
import pycares
from msgspec import Struct

from shared.remote.errors import DnsFailed

_MAX_TTL = 300.0
_MIN_TTL = 1.0
_NEGATIVE_TTL = {"dns_not_found": 30.0}
_TROUBLE_TTL = 3.0
_MAX_ADDRESSES = 16
_QUERY_TIMEOUT = 2.0
_QUERY_TRIES = 2
_NOT_FOUND = frozenset({aiodns.error.ARES_ENOTFOUND, aiodns.error.ARES_ENODATA, aiodns.error.ARES_EBADNAME})
_LOOPBACK = "127.0.0.1"


class Answer(Struct, frozen=True):
    """The addresses of a name, and for how many seconds they are valid."""

    addresses: tuple[str, ...]
    ttl: float


class Lookup(Protocol):
    """Asks for the addresses of a name; raises DnsFailed."""

    async def __call__(self, host: str) -> Answer:
        """Return at least one address."""


class DnsLookup:
    """Asks DNS servers, after /etc/hosts; search domains are left out.

    Args:
        servers: `address:port` of each; those of /etc/resolv.conf unless given.
        timeout: Seconds for the first try; the second may take longer.
    """

    def __init__(self, servers: Sequence[str] | None = None, *, timeout: float = _QUERY_TIMEOUT) -> None:
        self._dns = aiodns.DNSResolver(
            servers, timeout=timeout, tries=_QUERY_TRIES, flags=pycares.ARES_FLAG_NOSEARCH
        )

    async def __call__(self, host: str) -> Answer:
        """Return the addresses of a name; raises DnsFailed."""
        try:
            found = await self._dns.getaddrinfo(host, family=socket.AF_UNSPEC, type=socket.SOCK_STREAM)
        except aiodns.error.DNSError as error:
            raise DnsFailed(f"{host}: {error.args[-1]}", reason=_reason(error)) from error
        nodes = found.nodes[:_MAX_ADDRESSES]
        if not nodes:
            raise DnsFailed(f"{host}: no address", reason="dns_not_found")
        addresses = tuple(dict.fromkeys(_text(node.addr[0]) for node in nodes))
        return Answer(addresses, min(node.ttl for node in nodes))

    async def close(self) -> None:
        """Give back the sockets."""
        await self._dns.close()


def _reason(error: aiodns.error.DNSError) -> str:
    code = error.args[0] if error.args else None
    if code in _NOT_FOUND:
        return "dns_not_found"
    return "dns_timed_out" if code == aiodns.error.ARES_ETIMEOUT else "dns_failed"


def _text(address: bytes | str) -> str:
    return address.decode("ascii") if isinstance(address, bytes) else address


class _Entry(Struct, frozen=True):
    outcome: tuple[str, ...] | DnsFailed
    valid_until: float


class Resolver:
    """Remembers answers, and asks once however many want to know.

    Args:
        lookup: Who is asked.
        size: How many names are remembered.
    """

    def __init__(self, lookup: Lookup, *, size: int = 16384) -> None:
        self._lookup = lookup
        self._size = size
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._asking: dict[str, asyncio.Task[_Entry]] = {}

    async def addresses(self, host: str) -> Sequence[str]:
        """Return the addresses of a canonical host name; raises DnsFailed.

        `localhost` and all names below it are loopback (RFC 6761), whatever a server says.
        """
        if host == "localhost" or host.endswith(".localhost"):
            return (_LOOPBACK,)
        entry = self._entries.get(host)
        if entry is None or entry.valid_until <= time.monotonic():
            entry = await self._ask(host)
        if isinstance(entry.outcome, DnsFailed):
            raise DnsFailed(entry.outcome.detail, reason=entry.outcome.reason)
        return entry.outcome

    async def _ask(self, host: str) -> _Entry:
        task = self._asking.get(host)
        if task is None:
            task = self._asking[host] = asyncio.create_task(self._look_up(host))
            task.add_done_callback(lambda _: self._asking.pop(host, None))
        # One who gives up does not take the answer from the others.
        return await asyncio.shield(task)

    async def _look_up(self, host: str) -> _Entry:
        outcome: tuple[str, ...] | DnsFailed
        try:
            answer = await self._lookup(host)
        except DnsFailed as failure:
            outcome, ttl = failure, _NEGATIVE_TTL.get(failure.reason, _TROUBLE_TTL)
        else:
            outcome, ttl = answer.addresses, min(max(answer.ttl, _MIN_TTL), _MAX_TTL)
        entry = _Entry(outcome, time.monotonic() + ttl)
        self._entries[host] = entry
        self._entries.move_to_end(host)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)
        return entry

    async def close(self) -> None:
        """Stop asking."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
