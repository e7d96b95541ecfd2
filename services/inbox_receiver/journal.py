"""Refusals kept so that an operator can look them up: in the background, and never more than a few a second.

The way of a request never waits for the database, and nobody fills it by being refused.
"""

import asyncio
import contextlib
from collections import deque
from types import TracebackType
from typing import Final, Self

import asyncpg
import structlog

from shared.database import refusals
from shared.database.pool import connect, unavailable_when_down
from shared.database.refusals import Refusal
from shared.protocol.errors import Unavailable
from shared.telemetry import metrics

log = structlog.get_logger(__name__)

STAGE: Final = "receiver"
PER_SECOND: Final = 20.0
"""Rows a second that may go on for ever: under two million a day, whatever comes."""

BURST: Final = 1000
PAUSE: Final = 0.25
"""Seconds between two looks at what has come together."""


class Journal:
    """Writes refusals down; what comes too fast, or while the database is away, is only counted and logged.

    Args:
        database_url: Where they go.
        per_second: Rows a second that may go on for ever.
        burst: Rows that may come at once after a pause.
    """

    def __init__(self, database_url: str, *, per_second: float = PER_SECOND, burst: int = BURST) -> None:
        self._url = database_url
        self._per_second = per_second
        self._burst = burst
        self._room = float(burst)
        self._waiting: deque[Refusal] = deque()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep(), name="journal")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def note(self, *, activity: str, actor: str, reason: str, detail: str, trace: str) -> None:
        """Have a refusal written down soon; where the activity's id cannot be read, under its trace."""
        if self._room < 1.0:
            metrics.refusals_unrecorded.inc()
            return
        self._room -= 1.0
        self._waiting.append(
            Refusal(
                activity_uri=activity or trace,
                actor_uri=actor,
                stage=STAGE,
                reason=reason,
                detail=detail.encode("ascii", "backslashreplace").decode().replace("\0", ""),
                trace=trace,
            )
        )

    async def _keep(self) -> None:
        while True:
            try:
                await self._write_over_one_connection()
            except Unavailable as error:
                metrics.refusals_unrecorded.inc(len(self._waiting))
                log.warning("refusals_not_recorded", error=error.detail, refusals=len(self._waiting))
                self._waiting.clear()
            await asyncio.sleep(PAUSE * 4)

    async def _write_over_one_connection(self) -> None:
        """Write until the connection breaks; raises Unavailable."""
        with unavailable_when_down():
            connection = await connect(self._url, application_name="heddle-inbox-receiver")
            try:
                while True:
                    await self._write(connection)
                    await asyncio.sleep(PAUSE)
                    self._room = min(self._room + PAUSE * self._per_second, self._burst)
            finally:
                with contextlib.suppress(OSError):
                    await connection.close(timeout=1)

    async def _write(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        if self._waiting:
            await refusals.record(connection, list(self._waiting))
            self._waiting.clear()
