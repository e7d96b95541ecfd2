"""Reading a body within bounds of size, time and memory."""

import asyncio
from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from services.inbox_receiver.form import check_length
from services.inbox_receiver.refusal import Refusal, try_again_later

DEADLINE: Final = 10.0
"""Seconds for the whole body, however steadily it drips."""

MAX_HELD: Final = 128 << 20
"""Bytes of unfinished bodies that this process holds at a time."""

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class BodyReader:
    """Reads the bodies of all requests of this process.

    Args:
        deadline: Seconds for one body.
        max_held: Bytes of unfinished bodies at a time.
    """

    def __init__(self, *, deadline: float = DEADLINE, max_held: int = MAX_HELD) -> None:
        self._deadline = deadline
        self._max_held = max_held
        self._held = 0

    async def read(self, request: web.BaseRequest) -> bytes:
        """Return the body of a request; raises Refusal."""
        content = request.content
        if content.is_eof():
            # The ordinary case: it came together with the head.
            body = content.read_nowait()
            check_length(len(body))
            return body
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(_CONTINUE)
            request.writer.output_size = 0
        try:
            async with asyncio.timeout(self._deadline):
                return await self._collect(request)
        except TimeoutError:
            detail = f"The body did not arrive within {self._deadline:g} seconds."
            raise Refusal(
                HTTPStatus.REQUEST_TIMEOUT, "body_too_slow", detail, {"Connection": "close"}
            ) from None
        except (web.RequestPayloadError, HttpProcessingError, OSError) as error:
            detail = "The body could not be read."
            raise Refusal(HTTPStatus.BAD_REQUEST, "body_broken", detail, {"Connection": "close"}) from error

    async def _collect(self, request: web.BaseRequest) -> bytes:
        chunks: list[bytes] = []
        size = 0
        try:
            while chunk := await request.content.readany():
                size += len(chunk)
                self._held += len(chunk)
                check_length(size)
                if self._held > self._max_held:
                    raise try_again_later("overloaded", "Too many bodies are under way.")
                chunks.append(chunk)
        finally:
            self._held -= size
        return b"".join(chunks)
