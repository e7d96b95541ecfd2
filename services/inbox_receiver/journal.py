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
OTHERS_PER_SECOND: Final = 2.0
OTHERS_BURST: Final = 100
"""The same for requests that were turned away before they could be an activity: they crowd out no other."""

PAUSE: Final = 0.25
"""Seconds between two looks at what has come together."""

LAST_WORDS: Final = 2.0
"""Seconds that a stop waits for what has not been written yet."""


class Room:
    """How many rows may be written now.

    Args:
        per_second: How many more there may be each second.
        most: How many at once after a pause.
    """

    def __init__(self, per_second: float, most: int) -> None:
        self._per_second = per_second
        self._most = float(most)
        self._left = self._most

    def take(self) -> bool:
        """Take the room of one row, if there is any."""
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True

    def grow(self, seconds: float) -> None:
        """Let so much time pass."""
        self._left = min(self._left + seconds * self._per_second, self._most)


class Journal:
    """Writes refusals down; what comes too fast, or while the database is away, is only counted and logged.

    Args:
        database_url: Where they go.
        activities: Room for refusals of activities, or of what should have been one.
        others: Room for those of all other requests.
    """

    def __init__(
        self, database_url: str, *, activities: Room | None = None, others: Room | None = None
    ) -> None:
        self._url = database_url
        self._activities = activities or Room(PER_SECOND, BURST)
        self._others = others or Room(OTHERS_PER_SECOND, OTHERS_BURST)
        self._waiting: deque[Refusal] = deque()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep(), name="journal")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        if self._task is not None:
            await asyncio.wait((self._task,), timeout=LAST_WORDS)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._give_up()

    def note(
        self, *, activity: str, actor: str, reason: str, detail: str, trace: str, other: bool = False
    ) -> None:
        """Have a refusal written down soon; where the activity's id cannot be read, under its trace.

        Args:
            activity: The activity's id, as far as it is known.
            actor: Its actor's.
            reason: A word from the fixed list.
            detail: A sentence.
            trace: What the sender was told.
            other: The request was turned away before it could be an activity.
        """
        if not (self._others if other else self._activities).take():
            metrics.refusals_unrecorded.inc()
            return
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
        while self._waiting or not self._stopping.is_set():
            try:
                await self._write_over_one_connection()
            except Unavailable as error:
                log.warning("refusals_not_recorded", error=error.detail, refusals=len(self._waiting))
                self._give_up()
            except Exception:
                log.exception("refusals_not_recorded", refusals=len(self._waiting))
                self._give_up()
            await self._pause(PAUSE * 4)

    async def _write_over_one_connection(self) -> None:
        """Write until told to stop or the connection breaks; raises Unavailable."""
        with unavailable_when_down():
            connection = await connect(self._url, application_name="heddle-inbox-receiver")
            try:
                while not self._stopping.is_set():
                    await self._write(connection)
                    await self._pause(PAUSE)
                    self._activities.grow(PAUSE)
                    self._others.grow(PAUSE)
                await self._write(connection)
            finally:
                with contextlib.suppress(OSError):
                    await connection.close(timeout=1)

    async def _write(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        batch = list(self._waiting)
        if not batch:
            return
        await refusals.record(connection, batch)
        for _ in batch:  # more has come meanwhile
            self._waiting.popleft()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    def _give_up(self) -> None:
        metrics.refusals_unrecorded.inc(len(self._waiting))
        self._waiting.clear()
