"""How a fake server misbehaves: each way is one of those that real servers have been seen in."""

import asyncio
import zlib
from dataclasses import dataclass, field
from functools import cache

from aiohttp import web


@dataclass(kw_only=True)
class Behaviour:
    """What happens on a path instead of the usual answer.

    Args:
        status: Answer with this status.
        delay: Seconds before the answer.
        drip: Send the answer byte by byte, with this many seconds in between.
        redirect: Answer 302 with this Location (or `status`, if it is a 3xx).
        close_early: Announce a body, send half of it, close the connection.
        reset: Close the connection without an answer.
        bomb: Send so many bytes of zeros, compressed with gzip.
        content_type: Answer with this Content-Type.
        body: Answer with this body.
        headers: Send these as well.
        times: How often; for ever unless given.
    """

    status: int | None = None
    delay: float = 0.0
    drip: float = 0.0
    redirect: str = ""
    close_early: bool = False
    reset: bool = False
    bomb: int = 0
    content_type: str = ""
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    times: int | None = None

    def __post_init__(self) -> None:
        """Make what takes long before anybody waits for it."""
        if self.bomb:
            _zeros(self.bomb)

    def use(self) -> bool:
        """Count one use; tell whether the behaviour still applies."""
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0

    def status_for(self, usual: int) -> int:
        """Return the status that is answered instead of the usual one; 0 for none at all."""
        if self.reset:
            return 0
        return self.status or (302 if self.redirect else usual)


async def misbehave(
    behaviour: Behaviour, request: web.BaseRequest, usual: web.StreamResponse
) -> web.StreamResponse:
    """Return an answer in this manner; `usual` is what would have been answered."""
    await asyncio.sleep(behaviour.delay)
    if behaviour.reset:
        _hang_up(request)
        return usual
    answer = _altered(behaviour, usual)
    if behaviour.drip:
        return await _drip(behaviour, request, answer)
    if behaviour.close_early:
        return await _close_early(request, answer)
    return answer


def _hang_up(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()


def _altered(behaviour: Behaviour, usual: web.StreamResponse) -> web.Response:
    body = usual.body if isinstance(usual, web.Response) and isinstance(usual.body, bytes) else b""
    headers = {"Content-Type": behaviour.content_type or usual.headers.get("Content-Type", "text/plain")}
    if behaviour.redirect:
        headers["Location"] = behaviour.redirect
    if behaviour.bomb:
        body, headers["Content-Encoding"] = _zeros(behaviour.bomb), "gzip"
    if behaviour.body is not None:
        body = behaviour.body
    return web.Response(
        status=behaviour.status_for(usual.status), body=body, headers=headers | behaviour.headers
    )


@cache
def _zeros(count: int) -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = bytes(65536)
    return b"".join(squeeze.compress(piece) for _ in range(count // 65536)) + squeeze.flush()


async def _drip(behaviour: Behaviour, request: web.BaseRequest, answer: web.Response) -> web.StreamResponse:
    dripping = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
    await dripping.prepare(request)
    body = answer.body if isinstance(answer.body, bytes) and answer.body else b"." * 60
    for byte in body:
        await dripping.write(bytes([byte]))
        await asyncio.sleep(behaviour.drip)
    return dripping


async def _close_early(request: web.BaseRequest, answer: web.Response) -> web.StreamResponse:
    body = answer.body if isinstance(answer.body, bytes) and answer.body else b"." * 60
    cut = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
    cut.content_length = len(body)
    await cut.prepare(request)
    await cut.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return cut
