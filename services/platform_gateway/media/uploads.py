"""Reading what is uploaded: a bounded number of files, bytes and seconds at a time."""

import asyncio
from typing import Final, TypeVar

from aiohttp import BodyPartReader, web
from msgspec import Struct

from services.platform_gateway.errors import ApiError
from services.platform_gateway.media.pictures import MAX_BYTES, make_picture
from services.platform_gateway.parameters import MAX_PAIRS, MAX_TEXT, UNREADABLE, convert, nested, read
from shared.actions.media import Picture

T = TypeVar("T", bound=Struct)
Files = dict[str, bytes]

DEADLINE: Final = 120.0
"""Seconds for a whole upload, however steadily it drips."""

_AT_ONCE: Final = 4
"""Uploads that are read; the next ones wait, and their senders with them."""

_WORKED_ON: Final = 1
"""Pictures that are worked on: a large one takes 250 MB meanwhile."""

_CHUNK: Final = 1 << 16


class Uploads:
    """What this process reads and works on at a time."""

    def __init__(self) -> None:
        self._reading = asyncio.Semaphore(_AT_ONCE)
        self._working = asyncio.Semaphore(_WORKED_ON)

    async def read(self, request: web.Request, kind: type[T], names: frozenset[str]) -> tuple[T, Files]:
        """Return a request's parameters, and the files of these names; raises ApiError."""
        if request.content_type != "multipart/form-data":
            return await read(request, kind), {}
        async with self._reading:
            try:
                async with asyncio.timeout(DEADLINE):
                    return await _read(request, kind, names)
            except TimeoutError:
                raise ApiError(408, "The upload took too long", headers={"Connection": "close"}) from None
            except UNREADABLE as error:
                raise ApiError(400, "The request body could not be read") from error

    async def picture(self, content: bytes, *, fit: tuple[int, int] | None = None) -> Picture:
        """Return what is kept of a file; raises BadMedia. The event loop goes on meanwhile."""
        async with self._working:
            return await asyncio.to_thread(make_picture, content, fit=fit)


UPLOADS: web.AppKey[Uploads] = web.AppKey("uploads", Uploads)
"""`request.app[UPLOADS]` in a handler."""


async def _read(request: web.Request, kind: type[T], names: frozenset[str]) -> tuple[T, Files]:
    files: Files = {}
    pairs: list[tuple[str, str]] = list(request.query.items())
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None or len(pairs) >= MAX_PAIRS:
            raise ApiError(400, "The request body could not be read")
        if part.name in names:
            files[part.name] = await _content(part, MAX_BYTES - sum(map(len, files.values())))
        elif part.filename is not None:
            raise ApiError(422, f"Validation failed: {part.name[:100]} cannot be uploaded")
        else:
            pairs.append((part.name, (await _content(part, MAX_TEXT * 4)).decode()))
    return convert(nested(pairs), kind), files


async def _content(part: BodyPartReader, most: int) -> bytes:
    content = bytearray()
    while chunk := await part.read_chunk(_CHUNK):
        content += chunk
        if len(content) > most:
            raise ApiError(413, "Validation failed: File is too large", headers={"Connection": "close"})
    return bytes(content)
