"""When a request leaves: with the others of its turn, and only while somebody waits for its answer."""

import asyncio

import pytest

from shared.remote.http1 import Connection, NothingCame


class _Transport(asyncio.Transport):
    """A way out that notes what leaves."""

    def __init__(self, left: list[str]) -> None:
        super().__init__()
        self._left = left

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Note bytes."""
        self._left.append(f"sent {bytes(data).decode()}")

    def abort(self) -> None:
        """Close."""


def _connection(left: list[str]) -> Connection:
    connection = Connection("a.example")
    connection.connection_made(_Transport(left))
    return connection


async def _exchange(connection: Connection, request: str, happened: list[str]) -> None:
    happened.append(f"made {request}")
    await connection.exchange(request.encode(), asyncio.get_running_loop().time() + 5)


async def test_requests_of_one_turn_leave_together() -> None:
    """What is made ready in one turn of the loop is sent after all of it is, in the same order."""
    happened = list[str]()
    tasks = [
        asyncio.create_task(_exchange(_connection(happened), request, happened))
        for request in ("a", "b", "c")
    ]
    for _ in range(3):
        await asyncio.sleep(0)
    assert happened == ["made a", "made b", "made c", "sent a", "sent b", "sent c"]
    for task in tasks:
        task.cancel()


async def test_nothing_is_sent_over_what_has_closed_meanwhile() -> None:
    """A request whose connection ends before it leaves is not sent, and may go over another one."""
    happened = list[str]()
    connection = _connection(happened)
    task = asyncio.create_task(_exchange(connection, "a", happened))
    await asyncio.sleep(0)
    connection.connection_lost(None)
    with pytest.raises(NothingCame):
        await task
    assert happened == ["made a"]
