"""How a connection paces a peer that sends more than it reads."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast
from unittest.mock import create_autospec

from services.inbox_receiver.body import Bodies
from services.inbox_receiver.connection import MAX_UNDER_WAY, Connection
from services.inbox_receiver.messages import ACCEPTED, Answer, Request
from services.inbox_receiver.refusal import Refusal

REQUEST = b"POST /inbox HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"


class Waiting:
    """An inbox that answers when told."""

    def __init__(self) -> None:
        self.replies: list[Callable[[Answer], None]] = []
        self.refused: list[str] = []

    def admit(self, request: Request) -> None:
        """Let everybody in."""

    def receive(self, _request: Request, _body: bytes, reply: Callable[[Answer], None]) -> None:
        """Keep what is to be told."""
        self.replies.append(reply)

    def refuse(self, refused: Refusal, _request: Request) -> Answer:
        """Say no."""
        self.refused.append(refused.reason)
        return Answer(refused.status)


async def connected() -> tuple[Connection, Waiting, asyncio.Transport]:
    """Return a connection, its inbox and its transport."""
    inbox = Waiting()
    house = SimpleNamespace(
        inbox=inbox, bodies=Bodies(), idle=60.0, enter=lambda _: True, leave=lambda _: None
    )
    transport = create_autospec(asyncio.Transport, instance=True)
    transport.is_closing.return_value = False
    transport.get_extra_info.return_value = ("192.0.2.1", 1)
    connection = Connection(house, asyncio.get_running_loop())
    connection.connection_made(transport)
    return connection, inbox, cast("asyncio.Transport", transport)


async def test_too_many_unanswered_requests_stop_the_reading() -> None:
    """Beyond the bound nothing more is read from a connection until it has answers again."""
    connection, inbox, transport = await connected()
    connection.data_received(REQUEST * (MAX_UNDER_WAY - 1))
    transport.pause_reading.assert_not_called()  # type: ignore[attr-defined]
    connection.data_received(REQUEST)
    transport.pause_reading.assert_called_once()  # type: ignore[attr-defined]
    inbox.replies[1](ACCEPTED)
    transport.resume_reading.assert_not_called()  # type: ignore[attr-defined]
    inbox.replies[0](ACCEPTED)
    transport.resume_reading.assert_called_once()  # type: ignore[attr-defined]
    assert transport.write.call_count == 2  # type: ignore[attr-defined]
    connection.connection_lost(None)


async def test_who_does_not_read_is_not_read_from() -> None:
    """While answers pile up unread at the peer, nothing more is read from it."""
    connection, _, transport = await connected()
    connection.pause_writing()
    transport.pause_reading.assert_called_once()  # type: ignore[attr-defined]
    connection.resume_writing()
    transport.resume_reading.assert_called_once()  # type: ignore[attr-defined]
    connection.connection_lost(None)


async def test_an_answer_for_who_has_left_is_dropped() -> None:
    """A confirm that comes after the connection is gone harms nobody."""
    connection, inbox, transport = await connected()
    connection.data_received(REQUEST)
    connection.connection_lost(None)
    inbox.replies[0](ACCEPTED)
    transport.write.assert_not_called()  # type: ignore[attr-defined]


async def test_what_comes_behind_the_last_request_is_not_answered() -> None:
    """After a request that closes the connection nothing is read, and nobody is told that it was wrong."""
    connection, inbox, transport = await connected()
    closing = REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    connection.data_received(closing + REQUEST + b"\0")
    connection.data_received(REQUEST)
    assert len(inbox.replies) == 1
    assert inbox.refused == []
    inbox.replies[0](ACCEPTED)
    transport.close.assert_called_once()  # type: ignore[attr-defined]
    connection.connection_lost(None)
