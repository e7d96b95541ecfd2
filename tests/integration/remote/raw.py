"""Servers that speak bytes: TCP that misbehaves below HTTP, and DNS that answers from a table."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import cast

from tests.infrastructure import eventually

Table = Mapping[str, tuple[list[str], int] | int | None]
TAKEN = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw_server(handler: Handler, address: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """Serve connections with a handler on a free port, which is yielded."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await handler(reader, writer)
        writer.close()

    server = await asyncio.start_server(handle, address, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Return the head of a request, its body read too."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            await reader.readexactly(int(value))
    return head


def answering(answer: bytes) -> Handler:
    """Return a handler that sends these bytes once a request came, and closes the connection."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer)
        await writer.drain()

    return handle


class Counting:
    """Answers each request with the next of some bytes, the last one for ever, and counts connections.

    Args:
        answers: What is sent for each request.
        hang_up: Whether the connection is closed after each answer.
    """

    def __init__(self, *answers: bytes, hang_up: bool = False) -> None:
        self.answers = list(answers)
        self.hang_up = hang_up
        self.connections = self.requests = self.open = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        self.open += 1
        try:
            while True:
                await read_request(reader)
                self.requests += 1
                writer.write(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
                await writer.drain()
                if self.hang_up:
                    return
        finally:
            self.open -= 1

    async def until_closed(self, *, but: int = 0) -> None:
        """Return once no more than so many connections are open."""

        async def closed() -> bool:
            return self.open <= but

        await eventually(closed, f"all but {but} connections to be closed")


class DnsServer(asyncio.DatagramProtocol):
    """Answers A queries from a table: addresses and a TTL, a response code, or nothing at all.

    Names that are not in the table do not exist; `asked` are the names of A queries in order.
    """

    def __init__(self, table: Table) -> None:
        self.table = dict(table)
        self.asked: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to answer."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one query."""
        name, kind, question = _question(data)
        if kind == 1:
            self.asked.append(name)
        entry = self.table.get(name, 3)
        if entry is None:
            return
        code, records = (entry, []) if isinstance(entry, int) else (0, _records(entry, kind))
        header = data[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(records), 0, 0)
        self._transport.sendto(header + question + b"".join(records), addr)


def _question(data: bytes) -> tuple[str, int, bytes]:
    labels, at = [], 12
    while data[at]:
        labels.append(data[at + 1 : at + 1 + data[at]].decode().lower())
        at += 1 + data[at]
    return ".".join(labels), int.from_bytes(data[at + 1 : at + 3]), data[12 : at + 5]


def _records(entry: tuple[list[str], int], kind: int) -> list[bytes]:
    addresses, ttl = entry
    if kind != 1:
        return []
    return [
        b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, ttl, 4) + socket.inet_aton(address) for address in addresses
    ]


@asynccontextmanager
async def dns_server(table: Table) -> AsyncIterator[tuple[DnsServer, str]]:
    """Serve DNS from a table on a free port; yield the server and its address."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: DnsServer(table), local_addr=("127.0.0.1", 0)
    )
    try:
        yield server, "127.0.0.1:{}".format(transport.get_extra_info("sockname")[1])
    finally:
        transport.close()
