"""The suspended domains, kept up to date in the background: the way of a request never asks the database."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

import structlog

from shared.database import domain_blocks
from shared.database.pool import connect, unavailable_when_down
from shared.policy.moderation import blocked
from shared.protocol.errors import Unavailable

log = structlog.get_logger(__name__)

REFRESH = 5.0
"""Seconds until a change of the list is noticed."""


class Blocklist:
    """Tells whether a host is suspended. While the database is away the last list serves.

    Args:
        database_url: Where the list is.
        refresh: Seconds between two looks at it.
    """

    def __init__(self, database_url: str, *, refresh: float = REFRESH) -> None:
        self._url = database_url
        self._refresh = refresh
        self._domains: frozenset[str] = frozenset()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep(), name="blocklist")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def __contains__(self, host: object) -> bool:
        """Tell whether a host, or a domain above it, was suspended at the last look."""
        return isinstance(host, str) and blocked(host, self._domains)

    async def _keep(self) -> None:
        told = False
        while True:
            try:
                await self._watch()
            except Unavailable as error:
                if not told:
                    log.warning("blocklist_not_refreshed", error=error.detail, domains=len(self._domains))
                told = True
            except Exception:
                log.exception("blocklist_not_refreshed", domains=len(self._domains))
            else:
                told = False
            await asyncio.sleep(self._refresh)

    async def _watch(self) -> None:
        """Read the list again and again over one connection, until it breaks."""
        with unavailable_when_down():
            connection = await connect(self._url, application_name="heddle-inbox-receiver")
            try:
                while True:
                    self._domains = await domain_blocks.suspended(connection)
                    await asyncio.sleep(self._refresh)
            finally:
                with contextlib.suppress(OSError):
                    await connection.close(timeout=1)
