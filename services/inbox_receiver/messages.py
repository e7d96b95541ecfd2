"""What a connection hands to the receiver, and what it is given to send back."""

import time
from functools import lru_cache
from http import HTTPStatus
from typing import Final
from wsgiref.handlers import format_date_time

from msgspec import Struct

from services.inbox_receiver.rate import address_of
from shared.signatures.request import Headers


class Request:
    """The head of a request.

    Args:
        method: As sent.
        target: Path and query as sent, for signatures cover them.
        headers: (lower-case name, value) pairs in order.
        peer: The IP address at the other end.
        trace: The id under which the request is logged.

    `address` is whose request it is, which a proxy of ours may tell.
    """

    __slots__ = ("address", "fields", "headers", "method", "peer", "target", "trace")

    def __init__(self, method: str, target: str, headers: Headers, peer: str, trace: str) -> None:
        self.method = method
        self.target = target
        self.headers = headers
        self.fields = fields = dict(headers)
        self.address = address_of(peer, fields.get("x-forwarded-for", ""))
        self.peer = peer
        self.trace = trace


class Answer(Struct, frozen=True):
    """A response; `headers` has neither lengths nor the date."""

    status: HTTPStatus
    headers: dict[str, str] = {}
    body: bytes = b""


ACCEPTED: Final = Answer(HTTPStatus.ACCEPTED)
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


def render(answer: Answer, *, last: bool, bodiless: bool) -> bytes:
    """Return a response as bytes.

    Args:
        answer: What is said.
        last: The connection closes after it.
        bodiless: It answers a HEAD.
    """
    now = int(time.time())
    if answer is ACCEPTED:
        return _accepted(now, last)
    lines = [
        f"HTTP/1.1 {int(answer.status)} {answer.status.phrase}",
        f"Date: {format_date_time(now)}",
        f"Content-Length: {len(answer.body)}",
        *(f"{name}: {value}" for name, value in answer.headers.items()),
    ]
    if last and "Connection" not in answer.headers:
        lines.append("Connection: close")
    head = "\r\n".join(lines).encode() + b"\r\n\r\n"
    return head if bodiless else head + answer.body


@lru_cache(maxsize=4)
def _accepted(now: int, last: bool) -> bytes:
    closing = "Connection: close\r\n" if last else ""
    date = format_date_time(now)
    return f"HTTP/1.1 202 Accepted\r\nDate: {date}\r\nContent-Length: 0\r\n{closing}\r\n".encode()
