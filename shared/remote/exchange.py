"""What an exchange brings: answers as values, aiohttp's errors as ours, bodies with an end."""

import errno
from collections.abc import Mapping

import aiohttp
from msgspec import Struct

from shared.remote.errors import AnswerBroken, ConnectFailed, TimedOut, TlsFailed, TooLarge

_CHUNK = 65536


class Response(Struct, frozen=True, kw_only=True):
    """The answer to a GET; `url` is the final one. Header names are in lower case.

    `body` is whole for a 2xx, and the beginning of what came otherwise.
    """

    status: int
    url: str
    headers: Mapping[str, str]
    content_type: str
    body: bytes


class Reading(Struct, frozen=True):
    """One hop of a GET: header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class PostResult(Struct, frozen=True, kw_only=True):
    """The answer to a delivery, whatever it is.

    `retry_after` is in seconds from now; `excerpt` is the beginning of the answer, for people. `seconds` is
    how long the other side took, from the request's leaving to the first of the answer.
    """

    status: int
    seconds: float = 0.0
    retry_after: float | None = None
    excerpt: bytes = b""


async def read_whole(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """Return the body, decompressed; raises TooLarge as soon as it exceeds the limit in bytes."""
    if (answer.content_length or 0) > limit:
        raise TooLarge(f"{answer.content_length} bytes announced")
    body = bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > limit:
            raise TooLarge(f"more than {limit} bytes")
    return bytes(body)


async def read_beginning(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """Return at most so many bytes of the body; the connection is kept only if that was all."""
    body = bytearray()
    while len(body) < limit:
        chunk = await answer.content.read(limit - len(body))
        if not chunk:
            return bytes(body)
        body += chunk
    if not answer.content.at_eof():
        answer.close()
    return bytes(body)


def is_stale(error: Exception) -> bool:
    """Tell whether a kept connection had been closed by the other side before our request arrived."""
    return isinstance(error, aiohttp.ServerDisconnectedError) or (
        isinstance(error, aiohttp.ClientOSError)
        and not isinstance(error, aiohttp.ClientConnectorError)
        and error.errno in {errno.ECONNRESET, errno.EPIPE}
    )


def translated(error: Exception, host: str) -> Exception:
    """Return one of our errors for one of aiohttp's."""
    match error:
        case aiohttp.ClientSSLError() | aiohttp.ServerFingerprintMismatch():
            return TlsFailed(f"{host}: {error}"[:300])
        case TimeoutError():
            return TimedOut(f"{host}: no connection in time")
        case aiohttp.ClientConnectorError():
            return ConnectFailed(f"{host}: {error}"[:300])
        case _:
            return AnswerBroken(f"{host}: {str(error) or type(error).__name__}"[:300])
