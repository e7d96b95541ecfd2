"""Listening: whoever waits at the door is let in at once, not one at each turn of the loop.

uvloop takes in one connection a turn (libuv does, since 1.45). A busy process makes a hundred turns a second
or fewer, so of fifty servers that connect at the same moment the last would be heard after half a second.
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable, Sequence
from typing import Final

BACKLOG: Final = 1024

AT_ONCE: Final = 128
"""Connections taken in by one turn; those that are here already get their share of each, too."""

REST: Final = 0.5
"""Seconds in which none is taken in after the process had no room for one more."""

_NO_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

Factory = Callable[[], asyncio.BaseProtocol]


class Listener:
    """Takes in connections until it is closed.

    Args:
        factory: Makes the protocol of each.
        doors: Listening sockets; they are closed with it.
    """

    def __init__(self, factory: Factory, doors: Sequence[socket.socket]) -> None:
        self._factory = factory
        self._doors: Sequence[socket.socket] = doors
        self._loop = asyncio.get_running_loop()
        self._entering: set[asyncio.Task[None]] = set()
        self._resting: dict[socket.socket, asyncio.TimerHandle] = {}
        name = doors[0].getsockname()
        self.address = (str(name[0]), int(name[1]))
        """Where it listens, or one of the places."""
        for door in doors:
            door.setblocking(False)
            self._open(door)

    @property
    def resting(self) -> bool:
        """Whether it takes nobody in for a moment, because the process had no room."""
        return bool(self._resting)

    async def close(self) -> None:
        """Take in no more; returns when those that were taken in have their protocols."""
        doors, self._doors = self._doors, ()
        for door in doors:
            if door in self._resting:
                self._resting.pop(door).cancel()
            self._loop.remove_reader(door)
            door.close()
        if self._entering:
            await asyncio.wait(self._entering)

    def _open(self, door: socket.socket) -> None:
        self._resting.pop(door, None)
        self._loop.add_reader(door, self._take_in, door)

    def _take_in(self, door: socket.socket) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, _ = door.accept()
            except ConnectionAbortedError:
                continue
            except OSError as error:
                if error.errno in _NO_ROOM:
                    # It would be told of the same connection without end.
                    self._loop.remove_reader(door)
                    self._resting[door] = self._loop.call_later(REST, self._open, door)
                return
            task = self._loop.create_task(self._enter(connection))
            self._entering.add(task)
            task.add_done_callback(self._entering.discard)

    async def _enter(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        try:
            await self._loop.connect_accepted_socket(self._factory, connection)
        except OSError:  # gone again
            connection.close()


async def listen(
    factory: Factory, host: str, port: int, *, backlog: int = BACKLOG, share: bool = False
) -> Listener:
    """Listen; raises OSError.

    Args:
        factory: Makes the protocol of each connection.
        host: An address, or a name: then on all addresses that it has.
        port: 0 for any that is free.
        backlog: How many the system lets wait at the door.
        share: Let sibling processes listen on the same port.
    """
    found = await asyncio.get_running_loop().getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    with contextlib.ExitStack() as unless_all:
        doors = []
        for family, _, _, _, place in dict.fromkeys(found):
            door = socket.create_server(place, family=family, backlog=backlog, reuse_port=share)
            unless_all.callback(door.close)
            doors.append(door)
        listener = Listener(factory, doors)
        unless_all.pop_all()
    return listener
