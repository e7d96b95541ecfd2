"""Between a connection and the inbox: a request on its way to its answer, and what each asks of the other."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from services.inbox_receiver.body import Bodies
from services.inbox_receiver.messages import Answer, Request
from services.inbox_receiver.refusal import Refusal

if TYPE_CHECKING:
    from services.inbox_receiver.connection import Connection


class Inbox(Protocol):
    """What a connection asks for each request."""

    def admit(self, request: Request) -> None:
        """Judge the head; raises Refusal."""

    def receive(self, request: Request, body: bytes, reply: Callable[[Answer], None]) -> None:
        """Take a request in and reply, now or later."""

    def refuse(self, refused: Refusal, request: Request) -> Answer:
        """Count and log a refusal; return what is answered."""


class House(Protocol):
    """What all connections of a process share."""

    inbox: Inbox
    bodies: Bodies
    idle: float
    """Seconds without a complete request head after which a connection is closed."""

    def enter(self, connection: "Connection") -> bool:
        """Count a connection, or say that there is no room for it."""

    def leave(self, connection: "Connection") -> None:
        """Learn that a connection is gone."""


class Exchange:
    """A request on its way to its answer; `last` says that its connection closes then."""

    __slots__ = ("answer", "connection", "last", "request")

    def __init__(self, connection: "Connection", request: Request, *, last: bool) -> None:
        self.connection = connection
        self.request = request
        self.last = last
        self.answer: Answer | None = None

    def reply(self, answer: Answer) -> None:
        """Give the answer; it is sent when its turn has come."""
        self.answer = answer
        self.connection.send_answers()
