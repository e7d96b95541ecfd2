"""Bytes become requests: parsing and the bounds on a head.

Parsing is llhttp's in its strict mode: two lengths, folded headers, bare line feeds, control characters and
spaces before a colon are errors there, so that nobody in front of us can have read another request.
"""

from functools import lru_cache
from http import HTTPStatus
from typing import Final, Protocol

import httptools

from services.inbox_receiver.messages import Request
from services.inbox_receiver.refusal import Refusal
from shared.telemetry.logging import new_trace

MAX_HEAD: Final = 32 << 10
"""Bytes of a request's head; its trailers have as many."""

MAX_HEADERS: Final = 128

_CLOSE: Final = {"Connection": "close"}
_VERSIONS: Final = frozenset({"1.0", "1.1"})


class Sink(Protocol):
    """Is told what has been read; what it raises ends the reading."""

    def head_came(self, request: Request, *, last: bool) -> None:
        """Take in a complete head; `last` says that the connection ends with this request."""

    def piece_came(self, piece: bytes) -> None:
        """Take in some bytes of the body."""

    def body_came(self) -> None:
        """Learn that the request is complete."""


class RequestReader:
    """Reads the requests of one connection.

    Args:
        peer: The IP address at the other end.
        sink: Is told.
    """

    __slots__ = (
        "_advanced",
        "_headers",
        "_in_head",
        "_parser",
        "_peer",
        "_room",
        "_sink",
        "_target",
        "_unread",
    )

    def __init__(self, peer: str, sink: Sink) -> None:
        self._peer = peer
        self._sink = sink
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._room = MAX_HEAD
        self._in_head = True
        self._advanced = False
        self._unread = 0

    def feed(self, data: bytes) -> None:
        """Read on; raises Refusal, after which nothing more can be read, and whatever the sink raises."""
        self._advanced = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            raise (cause or error) from None
        except httptools.HttpParserUpgrade:
            # Refused with the head; only a HEAD of the same bytes could get here.
            raise _broken("This server does not change the protocol.") from None
        except httptools.HttpParserError as error:
            raise _broken(str(error)) from None
        if self._in_head and not self._advanced:
            # A head, or what stands before one, that trickles in without end.
            self._unread += len(data)
            if self._unread > MAX_HEAD:
                raise _head_too_large()

    def close(self) -> None:
        """Let go of the parser, which holds us."""
        del self._parser

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._target = b""
        self._headers = []
        self._room = MAX_HEAD

    def on_url(self, piece: bytes) -> None:
        """Take in a part of the target."""
        self._room -= len(piece)
        if self._room < 0:
            raise _head_too_large()
        self._target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take in a header. What comes after the body only counts: nothing of it may pass for a header."""
        # The busiest lines of the process: as few calls as can be.
        self._room -= len(name) + len(value) + 4
        if self._room < 0:
            raise _head_too_large()
        if self._in_head:
            headers = self._headers
            if len(headers) >= MAX_HEADERS:
                raise _head_too_large()
            headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Hand the head on."""
        self._in_head, self._advanced, self._unread = False, True, 0
        self._room = MAX_HEAD
        parser = self._parser
        request = Request(
            parser.get_method().decode(),
            self._target.decode("utf-8", "surrogateescape"),
            tuple([(_name(n), v.decode("utf-8", "surrogateescape").rstrip(" \t")) for n, v in self._headers]),
            self._peer,
            new_trace(),
        )
        version = parser.get_http_version()
        if version not in _VERSIONS:
            detail = "This server speaks HTTP/1.1."
            raise Refusal(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "http_version", detail, _CLOSE)
        if parser.should_upgrade():
            raise _broken("This server does not change the protocol.")
        self._check_framing(request, version)
        # HTTP/1.0 keeps a connection only where both sides say so, and we do not.
        self._sink.head_came(request, last=version == "1.0" or not parser.should_keep_alive())

    def on_body(self, piece: bytes) -> None:
        """Hand bytes of the body on."""
        self._sink.piece_came(piece)

    def on_message_complete(self) -> None:
        """Hand on that a request is complete."""
        self._in_head = self._advanced = True
        self._sink.body_came()

    def _check_framing(self, request: Request, version: str) -> None:
        """Refuse what a proxy in front may have read in another way (RFC 9112 sections 3.2 and 6.1)."""
        coding = request.fields.get("transfer-encoding")
        if coding is not None and (coding.lower() != "chunked" or version == "1.0"):
            raise _broken("The only transfer coding taken is chunked.")
        hosts = int("host" in request.fields)
        if len(request.fields) != len(request.headers):
            hosts = [name for name, _ in request.headers].count("host")
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            raise _broken("There has to be one Host.")


@lru_cache(maxsize=1024)
def _name(raw: bytes) -> str:
    return raw.decode("ascii").lower()


def _broken(detail: str) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, "http_broken", detail, _CLOSE)


def _head_too_large() -> Refusal:
    detail = f"The head of a request may have {MAX_HEAD} bytes and {MAX_HEADERS} headers."
    return Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large", detail, _CLOSE)
