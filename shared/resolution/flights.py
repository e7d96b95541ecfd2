"""Asking once: what is being fetched is not fetched again, and what just failed is not tried again."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from shared.protocol.errors import Rejected, Unavailable
from shared.protocol.identifiers import host_of
from shared.remote.errors import ConnectFailed, DnsFailed, TimedOut, TlsFailed

T = TypeVar("T")

MAX_FAILURES = 16384
REJECTED_TTL = 300.0
"""Seconds for which a refusal stands: the document is not there, or not what it should be."""

UNAVAILABLE_TTL = 10.0
"""Seconds for which a host counts as out of reach, whatever is asked of it."""

_HOST_FAILURES = (ConnectFailed, DnsFailed, TimedOut, TlsFailed)

Failure = Rejected | Unavailable


class Failures:
    """Remembers failures by URI, and by host where it is the host that cannot be reached.

    Args:
        size: How many are remembered; the oldest are forgotten first.
    """

    def __init__(self, size: int = MAX_FAILURES) -> None:
        self._size = size
        self._entries: OrderedDict[str, tuple[Failure, float]] = OrderedDict()

    def check(self, uri: str) -> None:
        """Raise the failure that is remembered for a URI or its host."""
        for key in (uri, host_of(uri)):
            entry = self._entries.get(key)
            if entry is None:
                continue
            if entry[1] > time.monotonic():
                raise entry[0].with_traceback(None) from None
            del self._entries[key]

    def remember(self, uri: str, failure: Failure) -> None:
        """Remember that a URI failed."""
        key = host_of(uri) if isinstance(failure, _HOST_FAILURES) else uri
        ttl = REJECTED_TTL if isinstance(failure, Rejected) else UNAVAILABLE_TTL
        self._entries[key] = (failure, time.monotonic() + ttl)
        self._entries.move_to_end(key)
        while len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def forget(self, uri: str) -> None:
        """Forget a URI's failure, for there is a reason to try again; its host's stays."""
        self._entries.pop(uri, None)

    def __len__(self) -> int:
        return len(self._entries)


class Flights:
    """Runs one piece of work per key at a time; whoever asks meanwhile gets the same result."""

    def __init__(self) -> None:
        self._flying: dict[str, asyncio.Task[Any]] = {}

    async def join(self, key: str, work: Callable[[], Awaitable[T]], deadline: float) -> T:
        """Return the result of the work under this key; raises what it raises.

        Args:
            key: What is asked for.
            work: How to get it, unless somebody is at it already.
            deadline: Seconds, after which `TimedOut` is raised.
        """
        task = self._flying.get(key)
        if task is None:
            task = asyncio.create_task(_bounded(key, work, deadline), name=f"resolve {key[:100]}")
            self._flying[key] = task
            task.add_done_callback(lambda done: self._land(key, done))
        # Who gives up does not take the result from the others.
        result: T = await asyncio.shield(task)
        return result

    def _land(self, key: str, task: "asyncio.Task[Any]") -> None:
        del self._flying[key]
        if not task.cancelled():
            task.exception()  # so that nobody complains if all who asked have gone

    def __len__(self) -> int:
        return len(self._flying)


async def _bounded(key: str, work: Callable[[], Awaitable[T]], deadline: float) -> T:
    try:
        async with asyncio.timeout(deadline):
            return await work()
    except TimeoutError:
        raise TimedOut(f"{key[:200]}: {deadline:g} s") from None
