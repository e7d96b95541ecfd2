"""The receiver's own HTTP: framing that cannot be read in two ways, bounded heads, answers in order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from services.inbox_receiver.reading import MAX_HEAD, MAX_HEADERS
from tests.integration.receiver.inbox import ACTIVITY_JSON, Inbox, activity, receiving, signed, without

HOST = b"POST /inbox HTTP/1.1\r\nHost: loom.example\r\nContent-Type: application/activity+json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"3\r\n{} \r\n0\r\n\r\n"

BROKEN = {
    "both lengths": HOST + b"Content-Length: 3\r\n" + CHUNKED + b"\r\n" + CHUNKS,
    "both lengths, the other way round": HOST + CHUNKED + b"Content-Length: 3\r\n\r\n" + CHUNKS,
    "the length twice": HOST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\n{} ",
    "two lengths in one": HOST + b"Content-Length: 3, 4\r\n\r\n{}  ",
    "a signed length": HOST + b"Content-Length: +3\r\n\r\n{} ",
    "an endless length": HOST + b"Content-Length: 99999999999999999999\r\n\r\n{} ",
    "another coding": HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKS,
    "an unknown coding": HOST + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS,
    "two codings": HOST + CHUNKED + b"Transfer-Encoding: identity\r\n\r\n" + CHUNKS,
    "chunks in HTTP/1.0": HOST.replace(b"1.1", b"1.0") + CHUNKED + b"\r\n" + CHUNKS,
    "a chunk longer than it says": HOST + CHUNKED + b"\r\n3\r\n{}  \r\n0\r\n\r\n",
    "chunks by line feeds": HOST + CHUNKED + b"\r\n3\n{} \n0\n\n",
    "a folded header": HOST + b"X: a\r\n b\r\n\r\n",
    "bare line feeds": HOST.replace(b"\r\n", b"\n") + b"\n",
    "a bare carriage return": HOST + b"X: a\rContent-Length: 3\r\n\r\n{} ",
    "NUL in a header": HOST + b"X: a\0b\r\n\r\n",
    "NUL in the target": HOST.replace(b"/inbox", b"/in\0box") + b"\r\n",
    "a space before the colon": HOST + b"Content-Length : 3\r\n\r\n{} ",
    "no name": HOST + b": a\r\n\r\n",
    "no host": b"POST /inbox HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    "two hosts": HOST + b"Host: loom.example\r\nContent-Length: 0\r\n\r\n",
    "another protocol": HOST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\n{} ",
    "an unknown method": b"FROB /inbox HTTP/1.1\r\nHost: loom.example\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@contextlib.asynccontextmanager
async def opened(inbox: Inbox) -> AsyncIterator["Wire"]:
    """Open a connection for the length of a block."""
    host, _, port = inbox.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()


class Wire:
    """Bytes out, answers in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self.send = writer.write

    async def answer(self, *, bodiless: bool = False) -> tuple[int, dict[str, str], bytes]:
        """Read one answer: status, headers in lower case, body."""
        async with asyncio.timeout(10):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:-2])
            length = 0 if bodiless else int(headers.get("content-length", 0))
            return int(head[0].split(" ")[1]), headers, await self._reader.readexactly(length)

    async def status(self) -> int:
        """Read one answer and return its status."""
        return (await self.answer())[0]

    async def closed(self) -> bool:
        """Return when the other end has closed: whether nothing more came before."""
        async with asyncio.timeout(10):
            return await self._reader.read() == b""


def written(body: bytes, headers: dict[str, str], start: str = "POST /inbox HTTP/1.1") -> bytes:
    """Return a request as bytes."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{start}\r\n{lines}\r\n".encode() + body


def good(number: int = 1, **headers: str) -> bytes:
    """Return a request that is taken in."""
    body = activity(id=f"https://remote.example/activities/{number}")
    return written(body, {**signed(body), "Content-Length": str(len(body)), **headers})


async def test_what_could_be_read_in_two_ways_is_400(broker_url: str, database_url: str) -> None:
    """A request that a proxy in front may have read differently is refused, and its connection closed."""
    answers = {}
    async with receiving(broker_url, database_url) as inbox:
        for name, sent in BROKEN.items():
            async with opened(inbox) as wire:
                wire.send(sent + good())
                status, headers, _ = await wire.answer()
                wire.writer.write_eof()
                answers[name] = (status, headers["connection"], await wire.closed())
        assert await inbox.queued() == []
    assert answers == dict.fromkeys(BROKEN, (400, "close", True))


async def test_other_versions_of_http_are_505(broker_url: str, database_url: str) -> None:
    """Only HTTP/1.0 and 1.1 are spoken; after 1.0 the connection is closed."""
    async with receiving(broker_url, database_url) as inbox:
        async with opened(inbox) as wire:
            wire.send(good().replace(b"HTTP/1.1", b"HTTP/2.0"))
            assert await wire.status() == 505
        async with opened(inbox) as wire:
            wire.send(good().replace(b"HTTP/1.1", b"HTTP/1.0"))
            assert await wire.status() == 202
            assert await wire.closed()
        assert len(await inbox.queued()) == 1


async def test_heads_are_bounded(broker_url: str, database_url: str) -> None:
    """A head with too many bytes or headers is 431, whether it comes at once or trickles in."""
    many = "".join(f"x-{number}: 1\r\n" for number in range(MAX_HEADERS + 1)).encode()
    large = b"x: " + b"a" * MAX_HEAD
    target = b"POST /inbox?" + b"a" * MAX_HEAD + b" HTTP/1.1\r\n"
    trailers = CHUNKED + b"\r\n0\r\n" + b"x: a\r\n" * 10_000 + b"\r\n"
    answers = []
    async with receiving(broker_url, database_url) as inbox:
        for sent in (HOST + many + b"\r\n", HOST + large + b"\r\n\r\n", target, b"\r\n" * MAX_HEAD):
            async with opened(inbox) as wire:
                wire.send(sent)
                answers.append(await wire.status())
        async with opened(inbox) as wire:
            wire.send(HOST)
            for _ in range(40):
                wire.send(b"x: " + b"a" * 1000 + b"\r\n")
                await asyncio.sleep(0)
            answers.append(await wire.status())
        async with opened(inbox) as wire:
            head = written(b"", {**signed(activity()), "Content-Type": ACTIVITY_JSON})
            wire.send(head[:-2] + trailers)
            answers.append(await wire.status())
    assert answers == [431] * 6


async def test_pipelined_requests_are_answered_in_their_order(broker_url: str, database_url: str) -> None:
    """Requests that come one behind the other are all answered, the slow ones and the quick, in order."""
    lost = written(b"", {"Host": "loom.example"}, "GET /nothing HTTP/1.1")
    async with receiving(broker_url, database_url) as inbox, opened(inbox) as wire:
        wire.send(b"".join(good(number) + lost for number in range(60)))
        assert [await wire.status() for _ in range(120)] == [202, 404] * 60
        queued = [item.activity_id for items in await inbox.queued() for item in items]
    assert queued == [f"https://remote.example/activities/{number}" for number in range(60)]


async def test_a_connection_serves_until_it_is_asked_to_close(broker_url: str, database_url: str) -> None:
    """A connection is kept after an answer, and closed where the request says so, whatever follows."""
    async with receiving(broker_url, database_url) as inbox, opened(inbox) as wire:
        for number in range(2):
            wire.send(good(number))
            status, headers, _ = await wire.answer()
            assert (status, headers.get("connection")) == (202, None)
            assert "date" in headers
        wire.send(good(2, Connection="close") + good(3))
        status, headers, _ = await wire.answer()
        assert (status, headers["connection"]) == (202, "close")
        assert await wire.closed()
        assert sum(len(items) for items in await inbox.queued()) == 3


async def test_a_refused_body_is_read_away(broker_url: str, database_url: str) -> None:
    """After an early refusal the rest of the body is skipped, and the same connection serves on."""
    body = b"x" * 500_000
    headers = {"Host": "loom.example", "Content-Length": str(len(body))}
    async with receiving(broker_url, database_url) as inbox, opened(inbox) as wire:
        wire.send(written(body[:1000], headers, "POST /nothing HTTP/1.1"))
        assert await wire.status() == 404
        wire.send(body[1000:] + good())
        assert await wire.status() == 202
        await inbox.queued()


async def test_head_has_no_body(broker_url: str, database_url: str) -> None:
    """The answer to a HEAD ends with its head, so that the next answer is not misread."""
    async with receiving(broker_url, database_url) as inbox, opened(inbox) as wire:
        wire.send(written(b"", {"Host": "loom.example"}, "HEAD /inbox HTTP/1.1"))
        status, headers, _ = await wire.answer(bodiless=True)
        assert (status, headers["allow"]) == (405, "post")
        wire.send(written(b"", {"Host": "loom.example"}, "OPTIONS /inbox HTTP/1.1"))
        assert await wire.status() == 405


async def test_trailers_are_no_headers(broker_url: str, database_url: str) -> None:
    """What stands behind a body cannot sign it: the signature has to be in the head."""
    body = activity()
    headers = signed(body)
    chunks = (
        f"{len(body):x}\r\n".encode() + body + f"\r\n0\r\nSignature: {headers['Signature']}\r\n\r\n".encode()
    )
    unsigned = {**without(headers, "Signature"), "Transfer-Encoding": "chunked"}
    async with receiving(broker_url, database_url) as inbox, opened(inbox) as wire:
        wire.send(written(chunks, unsigned))
        status, _, problem = await wire.answer()
        assert (status, b"signature_missing" in problem) == (401, True)
        assert await inbox.queued() == []


async def test_who_has_finished_sending_is_still_answered(broker_url: str, database_url: str) -> None:
    """A sender that closes its half of the connection gets its answer, and then the other half closes."""
    async with receiving(broker_url, database_url) as inbox, opened(inbox) as wire:
        wire.send(good())
        wire.writer.write_eof()
        assert await wire.status() == 202
        assert await wire.closed()
        assert len(await inbox.queued()) == 1


async def test_a_request_cut_short_leaves_nothing(broker_url: str, database_url: str) -> None:
    """A sender that goes away in the middle of a body leaves nothing on the queue, nor in memory."""
    async with receiving(broker_url, database_url) as inbox:
        for _ in range(3):
            async with opened(inbox) as wire:
                wire.send(good()[:-10])
                wire.writer.write_eof()
                assert await wire.closed()
        async with opened(inbox) as wire:
            wire.send(good())
            assert await wire.status() == 202
        assert len(await inbox.queued()) == 1
