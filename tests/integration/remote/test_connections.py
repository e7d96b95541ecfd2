"""What deliveries hold open, and what they do at once: all of it has a bound."""

import asyncio
import errno
import time
from typing import NoReturn

import pytest

from shared.remote.addresses import PeerPolicy
from shared.remote.client import GuardedClient, Limits
from shared.remote.errors import ConnectFailed, OutOfSockets, TimedOut
from shared.remote.resolver import Answer
from tests.integration.remote.conftest import NoNames
from tests.integration.remote.raw import TAKEN, Counting, raw_server, read_request

BODY = b'{"type":"Create"}'


def _client(limits: Limits) -> GuardedClient:
    """Return a client with these limits, to which loopback is a peer."""
    return GuardedClient(PeerPolicy(allow_private=True), user_agent="t", limits=limits, lookup=NoNames())


async def _post(client: GuardedClient, port: int, *, host: str = "a", deadline: float = 5.0) -> int:
    return (await client.post(f"http://{host}.localhost:{port}/inbox", BODY, deadline=deadline)).status


async def test_the_next_address_is_tried() -> None:
    """A host is reached at the first of its addresses that answers."""

    async def lookup(host: str) -> Answer:  # noqa: ARG001 - whatever the name
        return Answer(("127.0.9.9", "127.0.0.1"), 60.0)

    async with (
        raw_server(Counting(TAKEN)) as port,
        GuardedClient(PeerPolicy(allow_private=True), user_agent="t", lookup=lookup) as client,
    ):
        assert (await client.post(f"http://two.example:{port}/inbox", BODY)).status == 202
        with pytest.raises(ConnectFailed):
            await client.post("http://two.example:9/inbox", BODY)


async def test_idle_connections_are_closed_in_time() -> None:
    """A connection that nothing was sent over for its time is closed from our side."""
    serve = Counting(TAKEN)
    limits = Limits(keep_alive=0.4)
    async with (
        raw_server(serve) as port,
        _client(limits) as client,
    ):
        assert await _post(client, port) == 202
        assert serve.open == 1
        await serve.until_closed()
        assert await _post(client, port) == 202
    assert serve.connections == 2


async def test_what_is_held_does_not_grow_with_the_number_of_hosts() -> None:
    """Two hundred hosts leave as many connections open as are allowed, and all are closed at the end."""
    serve = Counting(TAKEN)
    limits = Limits(warm_hosts=20, per_host=2)
    async with raw_server(serve) as port:
        async with _client(limits) as client:
            posts = (_post(client, port, host=f"h{number}") for number in range(200))
            assert set(await asyncio.gather(*posts)) == {202}
            await serve.until_closed(but=20)
            assert serve.open == 20
        await serve.until_closed()


async def test_exchanges_over_all_hosts_are_bounded() -> None:
    """Only so many deliveries are under way at once; the others wait, within their deadline."""
    inside, most, release = 0, 0, asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal inside, most
        await read_request(reader)
        inside += 1
        most = max(most, inside)
        await release.wait()
        inside -= 1
        writer.write(TAKEN)

    limits = Limits(connections=3)
    async with (
        raw_server(handle) as port,
        _client(limits) as client,
    ):
        posts = [asyncio.create_task(_post(client, port, host=f"h{number}")) for number in range(9)]
        with pytest.raises(TimedOut):
            await _post(client, port, host="late", deadline=0.3)
        assert inside == 3
        release.set()
        assert set(await asyncio.gather(*posts)) == {202}
    assert most == 3


async def test_latency_is_the_other_sides() -> None:
    """How long a host took is told without the time that a delivery waited for its turn here."""
    answer = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not reader.at_eof():
            await read_request(reader)
            await answer.wait()
            writer.write(TAKEN)

    async with raw_server(handle) as port, _client(Limits(per_host=1)) as client:

        async def post() -> tuple[float, float]:
            begun = time.monotonic()
            result = await client.post(f"http://a.localhost:{port}/inbox", BODY)
            return result.seconds, time.monotonic() - begun

        posts = [asyncio.create_task(post()) for _ in range(2)]
        await asyncio.sleep(0.2)
        answer.set()
        (first, _), (second, waited) = await asyncio.gather(*posts)
    assert first >= 0.1
    assert first + second <= waited + 0.05


async def test_running_out_of_sockets_is_not_the_hosts_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """When this process may open no more files, no host is blamed for it."""

    def none_left(*_: object) -> NoReturn:
        raise OSError(errno.EMFILE, "Too many open files")

    async with _client(Limits()) as client:
        monkeypatch.setattr("shared.remote.connector.socket.socket", none_left)
        with pytest.raises(OutOfSockets):
            await client.post("http://a.localhost:9/inbox", BODY)
