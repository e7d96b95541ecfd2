"""One request on its way through the front, and what its head looks like behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import httptools

    from deploy.local.front_service import Upstream

MAX_HEAD: Final = 64 << 10
"""Bytes that may come without making up a head."""

# RFC 9110, section 7.6.1: these belong to one connection. The rest is said anew.
_DROPPED: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
    }
)
_CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"
_WEB_SOCKET: Final = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"


class Head:
    """A head as it is read.

    Args:
        done: It is complete: what still comes is behind the body.
    """

    __slots__ = ("done", "headers", "target")

    def __init__(self, *, done: bool = False) -> None:
        self.done = done
        self.target = b""
        self.headers: list[tuple[bytes, bytes]] = []


class Request:
    """One request on its way.

    Args:
        method: As sent.
        target: As sent: signatures cover it.
        head: Its head, rewritten.
        chunked: Its body has no length told before.
        keeps: The client's connection serves another one after it.
    """

    __slots__ = ("_chunked", "_pieces", "_upstream", "complete", "keeps", "method", "target", "tunnel")

    def __init__(self, method: bytes, target: bytes, head: bytes, *, chunked: bool, keeps: bool) -> None:
        self.method, self.target, self.keeps = method, target, keeps
        self.complete = self.tunnel = False
        self._chunked = chunked
        self._pieces = [head]
        self._upstream: Upstream | None = None

    def goes_to(self, upstream: Upstream) -> bytes:
        """Have what still comes written there; return what has come."""
        self._upstream = upstream
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)

    def take_body(self, piece: bytes) -> None:
        """Take in bytes of the body."""
        self.take(b"%x\r\n%b\r\n" % (len(piece), piece) if self._chunked else piece)

    def take(self, piece: bytes) -> None:
        """Take in bytes as they are."""
        if self._upstream is not None:
            self._upstream.write(piece)
        else:
            self._pieces.append(piece)

    def end(self) -> None:
        """Learn that all of it has come."""
        if self._chunked:
            self.take(b"0\r\n\r\n")
        self.complete = True


def rewritten(head: Head, parser: httptools.HttpRequestParser, peer: bytes) -> Request:
    """Return a request with word of who asked for what. The host stays: signatures cover it."""
    named: set[bytes] = set()
    chain: list[bytes] = []
    host, chunked, web_socket = b"", False, False
    for name, value in head.headers:
        match name.lower():
            case b"connection":
                named.update(part.strip().lower() for part in value.split(b","))
            case b"x-forwarded-for":
                chain.append(value)
            case b"host":
                host = value
            case b"transfer-encoding":
                chunked = True
            case b"upgrade":
                web_socket = value.strip().lower() == b"websocket"
    dropped = _DROPPED | named if named else _DROPPED
    kept = [b"%b: %b\r\n" % pair for pair in head.headers if pair[0].lower() not in dropped]
    method, version = parser.get_method(), parser.get_http_version().encode()
    lines = [
        b"%b %b HTTP/%b\r\n" % (method, head.target, version),
        *kept,
        b"X-Forwarded-For: %b\r\nX-Forwarded-Host: %b\r\nX-Forwarded-Proto: http\r\n"
        % (b", ".join([*chain, peer]), host),
        _CHUNKED if chunked else b"",
        _WEB_SOCKET if web_socket and parser.should_upgrade() else b"",
        b"\r\n",
    ]
    keeps = parser.should_keep_alive()
    return Request(method, head.target, b"".join(lines), chunked=chunked, keeps=keeps)
