"""Who waits at the door, and how they are let in; on the loop that the services use."""

import asyncio
import contextlib
import os
import resource
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvloop

from shared.runtime.listening import AT_ONCE, Listener, listen
from tests.infrastructure import eventually

CROWD = 100
FEW_TURNS = 8
LOOPBACK = "127.0.0.1"


class Guest(asyncio.Protocol):
    """Answers each piece with itself; `house` is told of those who came."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Come in."""
        self.transport = transport
        self._house.guests.append(self)

    def data_received(self, data: bytes) -> None:
        """Answer."""
        self.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Go."""
        del exc
        self._house.guests.remove(self)

    def leave(self) -> None:
        """Hang up."""
        self.transport.abort()


class House:
    """Where guests are."""

    def __init__(self) -> None:
        self.guests: list[Guest] = []

    def guest(self) -> Guest:
        """Make one."""
        return Guest(self)

    def empty(self) -> None:
        """See everybody out."""
        for one in tuple(self.guests):
            one.leave()


def on_uvloop(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test where one connection a turn is what the loop itself would take in."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(test())


@contextlib.asynccontextmanager
async def an_open_house(host: str = LOOPBACK) -> AsyncIterator[tuple[House, Listener]]:
    """Let people in; whatever comes, see them out and close in the end."""
    house = House()
    listener = await listen(house.guest, host, 0)
    try:
        yield house, listener
    finally:
        await listener.close()
        house.empty()


def knock(listener: Listener) -> socket.socket:
    """Connect, without waiting for anybody to open."""
    return socket.create_connection(listener.address)


def test_a_crowd_is_let_in_within_a_few_turns() -> None:
    """A hundred that connect at one moment do not wait for a turn of the loop each."""

    async def test() -> None:
        async with an_open_house() as (house, listener):
            crowd = [knock(listener) for _ in range(CROWD)]
            for _ in range(FEW_TURNS):
                await asyncio.sleep(0)
            let_in = len(house.guests)
            for one in crowd:
                one.close()
        assert let_in == CROWD < AT_ONCE

    on_uvloop(test)


def test_those_who_came_in_are_served() -> None:
    """What is let in is a connection as any other: bytes go both ways, and it is known who it is."""

    async def test() -> None:
        async with an_open_house("localhost") as (house, listener):
            reader, writer = await asyncio.open_connection(*listener.address)
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"hello"
            peer = house.guests[0].transport.get_extra_info("peername")
            assert peer == writer.get_extra_info("sockname")
            writer.close()
            await eventually(lambda: not house.guests, "the guest to be gone")

    on_uvloop(test)


def test_closed_doors_stay_closed() -> None:
    """After `close` nobody is let in, those inside stay, and the place is free for another."""

    async def test() -> None:
        async with an_open_house() as (house, listener):
            reader, writer = await asyncio.open_connection(*listener.address)
            await listener.close()
            with pytest.raises(ConnectionRefusedError):
                knock(listener)
            writer.write(b"still here")
            assert await reader.readexactly(10) == b"still here"
            again = await listen(house.guest, *listener.address)
            await again.close()
            writer.close()

    on_uvloop(test)


def test_a_taken_place_is_an_error_unless_it_is_shared() -> None:
    """Two listen on one port only where both say so."""

    async def test() -> None:
        async with an_open_house() as (house, listener):
            with pytest.raises(OSError, match="in use"):
                await listen(house.guest, *listener.address)
            await listener.close()
            sharing = [await listen(house.guest, *listener.address, share=True) for _ in range(2)]
            for one in sharing:
                await one.close()

    on_uvloop(test)


def test_who_finds_no_room_is_let_in_later() -> None:
    """A process without a free descriptor neither spins nor forgets who waits."""

    async def test() -> None:
        async with an_open_house() as (house, listener):
            with socket.socket() as early, socket.socket() as late:
                with one_file_left():
                    early.connect(listener.address)
                    await eventually(lambda: len(house.guests) == 1, "the first to be let in")
                    late.connect(listener.address)
                    await eventually(lambda: listener.resting, "the door to be closed for a moment")
                    assert len(house.guests) == 1
                await eventually(lambda: len(house.guests) == 2, "the second to be let in")

    on_uvloop(test)


@contextlib.contextmanager
def one_file_left() -> Iterator[None]:
    """Have this process open no more than one file during the `with`."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(file.name) for file in Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 10, before[1]))
    taken: list[int] = []
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        os.close(taken.pop())
        yield
    finally:
        for one in taken:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
