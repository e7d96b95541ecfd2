"""Looks at the target from the side, once a second: queues, CPU and memory by component."""

import asyncio
import contextlib
import time
from collections.abc import Mapping

from msgspec import Struct

from services.load_generator import components
from services.load_generator.components import Use
from shared.protocol.errors import Rejected, Unavailable
from shared.queue.management import Management, management_of

_DEAD = ".dead"


class Look(Struct, frozen=True, kw_only=True):
    """What one look saw: cores used since the last one, bytes, and messages in all queues."""

    cores: dict[str, float]
    memory: dict[str, int]
    queued: int | None


class Sampler:
    """Reads what can be read; a target elsewhere just shows less.

    Args:
        pids: The processes of each component on this machine.
        broker_url: The target's broker, or empty.
        management_url: Its management API, where it is not at the usual port.
    """

    def __init__(self, pids: Mapping[str, list[int]], broker_url: str = "", management_url: str = "") -> None:
        self._pids = pids
        self._management: Management | None = None
        if broker_url:
            self._management = management_of(broker_url, management_url)
        self._at = time.monotonic()
        self._before = self._read()

    async def open(self) -> None:
        """Connect to the broker's management, if it is there."""
        if self._management is not None:
            await self._management.__aenter__()

    async def close(self) -> None:
        """Close the connection."""
        if self._management is not None:
            await self._management.__aexit__(None, None, None)

    async def look(self) -> Look:
        """Return what happened since the last look."""
        now, uses = time.monotonic(), await asyncio.to_thread(self._read)
        passed = max(now - self._at, 1e-3)
        cores = {
            name: max(0.0, use.cpu - self._before.get(name, use).cpu) / passed for name, use in uses.items()
        }
        self._at, self._before = now, uses
        memory = {name: use.memory for name, use in uses.items()}
        return Look(cores=cores, memory=memory, queued=await self._queued())

    def cpu(self) -> dict[str, float]:
        """Return CPU seconds so far, by component."""
        return {name: use.cpu for name, use in self._read().items()}

    def _read(self) -> dict[str, Use]:
        return {name: components.use(pids) for name, pids in self._pids.items()}

    async def _queued(self) -> int | None:
        if self._management is None:
            return None
        with contextlib.suppress(Unavailable, Rejected):
            queues = await self._management.queues()
            return sum(queue.messages for queue in queues if not queue.name.endswith(_DEAD))
        return None
