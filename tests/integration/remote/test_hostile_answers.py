"""Deliveries to servers that break the rules of HTTP: each ends soon, as what it is, and taints nothing."""

import asyncio

import pytest

from shared.remote.client import GuardedClient
from shared.remote.errors import AnswerBroken, RemoteUnavailable, TimedOut
from tests.integration.remote.raw import TAKEN, Counting, raw_server, read_request

BODY = b'{"type":"Create"}'


async def _post(client: GuardedClient, port: int, *, host: str = "a", deadline: float = 5.0) -> int:
    return (await client.post(f"http://{host}.localhost:{port}/inbox", BODY, deadline=deadline)).status


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 500\r\n\r\nnot so much",
        b"HTTP/1.1 202 Accepted\r\nContent-Le",
        b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ],
    ids=["length", "head", "chunks"],
)
async def test_an_answer_that_breaks_off_is_no_answer(client: GuardedClient, answer: bytes) -> None:
    """What ends before it said it would is the host's trouble, and is not asked for again at once."""
    serve = Counting(answer, hang_up=True)
    async with raw_server(serve) as port:
        with pytest.raises(AnswerBroken):
            await _post(client, port)
    assert serve.requests == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nwhatever",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000 + TAKEN,
        b"HTTP/1.1 202 Accepted\r\n" + b"X: y\r\n" * 20_000,
        b"HTTP/1.1 202 Accepted\r\nX: " + b"y" * 100_000,
        b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"y" * 100_000,
        b"\x00" * 100,
    ],
    ids=[
        *("other-protocol", "chunk-size", "two-lengths", "length-and-chunks", "negative-length"),
        *("upgrade", "interim-flood", "many-headers", "long-header", "long-chunk-extension", "zeros"),
    ],
)
async def test_what_is_not_http_is_no_answer(client: GuardedClient, answer: bytes) -> None:
    """Nonsense, and heads without end, are the host's trouble at once; its connection is not used again."""
    serve = Counting(answer)
    async with raw_server(serve) as port:
        for _ in range(2):
            with pytest.raises(AnswerBroken):
                await _post(client, port)
        await serve.until_closed()
    assert serve.connections == serve.requests == 2


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 202 Accepted\r\nX: y\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n" * 2]
)
async def test_a_head_that_drips_meets_the_deadline(client: GuardedClient, answer: bytes) -> None:
    """A server that sends its head byte by byte costs the deadline and not more, and is left after it."""
    closed = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        try:
            for byte in answer:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.1)
        finally:
            closed.set()

    async with raw_server(drip) as port:
        with pytest.raises(TimedOut):
            await _post(client, port, deadline=0.5)
        async with asyncio.timeout(5):
            await closed.wait()


async def test_interim_answers_are_passed_over(client: GuardedClient) -> None:
    """A few answers of 1xx come before the one that counts, whose headers alone count."""
    early = b"HTTP/1.1 103 Early Hints\r\nRetry-After: 7\r\n\r\n"
    serve = Counting(early + b"HTTP/1.1 100 Continue\r\n\r\n" + TAKEN)
    async with raw_server(serve) as port:
        for _ in range(2):
            result = await client.post(f"http://a.localhost:{port}/inbox", BODY)
            assert (result.status, result.retry_after) == (202, None)
    assert serve.connections == 1


async def test_an_answer_may_end_with_its_connection(client: GuardedClient) -> None:
    """Without a length the end of the connection is the end of the answer."""
    serve = Counting(b"HTTP/1.1 202 Accepted\r\n\r\nthanks", hang_up=True)
    async with raw_server(serve) as port:
        result = await client.post(f"http://a.localhost:{port}/inbox", BODY)
        assert (result.status, result.excerpt) == (202, b"thanks")


async def test_an_endless_body_is_not_read(client: GuardedClient) -> None:
    """Of a body of a gigabyte no more than its beginning is waited for."""
    serve = Counting(b"HTTP/1.1 202 Accepted\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 5000)
    async with raw_server(serve) as port:
        assert await _post(client, port) == 202
        await serve.until_closed()


async def test_an_answer_to_nothing_is_not_the_answer_to_the_next(client: GuardedClient) -> None:
    """A second answer to one request is never taken for that to the next one, wherever it comes in."""
    serve = Counting(TAKEN + b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", TAKEN)
    async with raw_server(serve) as port:
        assert [await _post(client, port) for _ in range(2)] == [202, 202]
    assert serve.connections == 2


async def test_an_answer_that_comes_unasked_ends_the_connection(client: GuardedClient) -> None:
    """What arrives between two requests is not read as the answer to the second."""
    connections = 0
    unasked = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await read_request(reader)
        writer.write(TAKEN)
        await unasked.wait()
        writer.write(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")
        await reader.read()

    async with raw_server(handle) as port:
        assert await _post(client, port) == 202
        unasked.set()
        assert await _post(client, port, host="b") == 202  # meanwhile the first has come in
        assert await _post(client, port) == 202
    assert connections == 3


async def test_a_kept_connection_that_breaks_within_an_answer_is_not_asked_again(
    client: GuardedClient,
) -> None:
    """Once something of an answer came the delivery may have been taken: it is not sent a second time."""
    connections = requests = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections, requests
        connections += 1
        await read_request(reader)
        writer.write(TAKEN)
        await read_request(reader)
        requests += 1
        writer.write(b"HTTP/1.1 2")

    async with raw_server(handle) as port:
        assert await _post(client, port) == 202
        with pytest.raises(AnswerBroken):
            await _post(client, port)
    assert (connections, requests) == (1, 1)


async def test_who_gives_up_leaves_no_connection(client: GuardedClient) -> None:
    """A delivery that is cancelled takes its connection along: its answer would be the next one's."""
    serve, hanging = Counting(TAKEN), asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        hanging.set()
        assert await reader.read() == b""
        writer.write(TAKEN)

    async with raw_server(handle) as port:
        delivery = asyncio.create_task(_post(client, port))
        await hanging.wait()
        delivery.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivery
    async with raw_server(serve) as port:
        assert await _post(client, port) == 202


async def test_a_server_that_says_close_is_believed(client: GuardedClient) -> None:
    """A connection that the server wants closed is not used again."""
    serve = Counting(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    async with raw_server(serve) as port:
        assert [await _post(client, port) for _ in range(2)] == [202, 202]
    assert serve.connections == 2


async def test_a_server_that_hangs_up_before_each_answer_is_tried_twice(client: GuardedClient) -> None:
    """A connection that ends without a byte of an answer is tried once more, and then given up."""
    serve = Counting(b"", hang_up=True)
    async with raw_server(serve) as port:
        with pytest.raises(RemoteUnavailable) as trouble:
            await _post(client, port)
    assert trouble.value.reason == "answer_broken"
    assert serve.requests == 2


async def test_headers_cannot_be_smuggled_by_an_inbox(client: GuardedClient) -> None:
    """Whatever an inbox is called, the request has one line and the headers that we meant."""
    heads: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await read_request(reader))
        writer.write(TAKEN)

    async with raw_server(handle) as port:
        url = f"http://a.localhost:{port}/in%0d%0aX:y/bü?q=ä%20b"
        assert (await client.post(url, BODY)).status == 202
    assert heads[0].split(b"\r\n")[0] == b"POST /in%0D%0AX:y/b%C3%BC?q=%C3%A4%20b HTTP/1.1"
    assert heads[0].count(b"\r\n") == 7
