"""Waiting for a turn that somebody else gives."""

import asyncio
from collections.abc import Callable


async def granted(turn: asyncio.Future[None], give_back: Callable[[], None]) -> None:
    """Return when it is one's turn; where it comes for somebody who has been cancelled, it is given back."""
    try:
        await turn
    except asyncio.CancelledError:
        if turn.done() and not turn.cancelled():
            give_back()
        raise
