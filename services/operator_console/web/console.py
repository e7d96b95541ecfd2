"""What the console's pages read from, and how they ask when something does not answer."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Generic, TypeVar

from aiohttp import web
from msgspec import Struct

from services.operator_console.broker import QueueReport, open_management, queue_reports
from services.operator_console.session import plain_database_errors
from shared.database.pool import Pool
from shared.protocol.errors import Rejected, Unavailable
from shared.queue.connection import Broker
from shared.runtime.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Console:
    """The environment's settings, the database, and the broker for reading dead letters."""

    settings: Settings
    pool: Pool
    broker: Broker

    async def queues(self) -> list[QueueReport]:
        """Return every work queue; raises Unavailable or Rejected."""
        async with open_management(self.settings) as management:
            return await queue_reports(management)


CONSOLE: web.AppKey[Console] = web.AppKey("console", Console)


class Panel(Struct, Generic[T], frozen=True):
    """Part of a page: what was read, or why it could not be."""

    content: T | None = None
    problem: str = ""


async def panel(reading: Awaitable[T]) -> Panel[T]:
    """Return what a part of the page shows; the other parts do not suffer when it cannot be read."""
    try:
        with plain_database_errors():
            return Panel(await reading)
    except (Rejected, Unavailable) as error:
        return Panel(problem=str(error) or error.reason)
