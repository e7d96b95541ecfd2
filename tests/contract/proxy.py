"""A TCP proxy on loopback that can cut its connections or let them fall silent, as a bad network does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """Stands between a client and a server.

    Args:
        host: The server's host.
        port: The server's port.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._clients: set[asyncio.StreamWriter] = set()
        self._answers = asyncio.Event()
        self._answers.set()
        self._requests = asyncio.Event()
        self._requests.set()
        self.refuses = False
        self.cuts_at = b""
        """What a client says and is cut off for, once."""

    async def start(self) -> int:
        """Listen; returns the port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    def cut(self) -> None:
        """Break every connection at once."""
        for writer in list(self._writers):
            writer.transport.abort()

    def silence(self) -> None:
        """Keep back what the server says, until `speak`."""
        self._answers.clear()

    def speak(self) -> None:
        """Pass on what the server says, and what it has said."""
        self._answers.set()

    def deafen(self) -> None:
        """Keep back what the clients say, their leaving too, until `hear`."""
        self._requests.clear()

    def hear(self) -> None:
        """Pass on what the clients say, and what they have said."""
        self._requests.set()

    def inject(self, data: bytes) -> None:
        """Say this to every client as if the server had; only while the server says nothing itself."""
        for writer in self._clients:
            writer.write(data)

    async def close(self) -> None:
        """Stop listening and break every connection."""
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, far_writer}
        self._clients.add(writer)
        for work in (
            self._pump(reader, far_writer, self._requests),
            self._pump(far_reader, writer, self._answers),
        ):
            task = asyncio.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event
    ) -> None:
        # uvloop has a word of its own for a transport that is closed.
        with contextlib.suppress(OSError, RuntimeError):
            while data := await reader.read(1 << 16):
                await gate.wait()
                if self.cuts_at and self.cuts_at in data:
                    self.cuts_at = b""
                    self.cut()
                    return
                writer.write(data)
                await writer.drain()
        await gate.wait()
        writer.close()
        self._writers.discard(writer)
        self._clients.discard(writer)


@contextlib.asynccontextmanager
async def proxied(url: str) -> AsyncIterator[tuple[Proxy, str]]:
    """Yield a proxy before the server of this URL, and the URL that leads through it."""
    parts = urlsplit(url)
    proxy = Proxy(parts.hostname or "127.0.0.1", parts.port or 5672)
    port = await proxy.start()
    credentials = parts.netloc.rpartition("@")[0]
    try:
        yield proxy, urlunsplit(parts._replace(netloc=f"{credentials}@127.0.0.1:{port}"))
    finally:
        await proxy.close()
