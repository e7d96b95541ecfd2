"""Waiting at start for what is not there yet, without ever blocking an orderly end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from shared.protocol.errors import Unavailable
from shared.runtime.context import Context, Stopped

log = structlog.get_logger(__name__)

T = TypeVar("T")

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0


async def open_patiently(context: Context, name: str, opening: Callable[[], Awaitable[T]]) -> T:
    """Open something, a database pool for instance, as soon as it can be reached.

    Until then the check `name` is red, and each attempt writes a line; after it the check is gone. Raises
    Stopped at SIGTERM.

    Args:
        context: The running process.
        name: What is opened: `database` for instance.
        opening: Opens it, or raises Unavailable.
    """
    trouble = "not reached yet"

    async def check() -> str:
        return trouble

    context.ready.add(name, check)
    pause = _FIRST_PAUSE
    while not context.stopping.is_set():
        try:
            opened = await opening()
        except Unavailable as error:
            trouble = error.detail or error.reason
            log.warning("waiting_at_start", what=name, error=trouble, retry_in=pause)
        else:
            context.ready.remove(name)
            return opened
        try:
            async with asyncio.timeout(pause):
                await context.stopping.wait()
        except TimeoutError:
            pause = min(pause * 2, _LONGEST_PAUSE)
    raise Stopped
