"""What a command works with: settings, a database connection, this site's URIs; and how it ends."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TypeVar

import asyncpg
import structlog
import uvloop

from shared.actions.site import Site
from shared.database.pool import Pool, create_pool, unavailable_when_down
from shared.database.worker_ids import id_generator
from shared.protocol.errors import Rejected
from shared.protocol.local_uris import LocalUris
from shared.runtime.settings import Settings, load_settings
from shared.telemetry.logging import LEVELS

T = TypeVar("T")

DATABASE = ("origin", "database_url")
"""What commands need that read and write the site's data."""


class NotFound(Rejected):
    """What was named does not exist."""

    reason = "not_found"


class NotMigrated(Rejected):
    """The database lacks our tables."""

    reason = "not_migrated"


@contextmanager
def plain_database_errors() -> Iterator[None]:
    """Raise Unavailable for an outage, and NotMigrated where `heddle migrate` has not run."""
    try:
        with unavailable_when_down():
            yield
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError) as error:
        raise NotMigrated(f"the database is not up to date ({error}): run heddle migrate") from error


@dataclass(frozen=True, kw_only=True)
class Session:
    """An open command: the environment's settings, a small pool, and the facts of the site."""

    settings: Settings
    pool: Pool
    site: Site


@asynccontextmanager
async def open_session(settings: Settings) -> AsyncIterator[Session]:
    """Open the database; raises Unavailable where it does not answer."""
    pool = await create_pool(settings.database_url, max_size=2, application_name="heddle-cli")
    try:
        with plain_database_errors():
            async with pool.acquire() as conn:
                ids = await id_generator(conn)
            uris = LocalUris(settings.origin, settings.account_domain)
            yield Session(settings=settings, pool=pool, site=Site(uris=uris, ids=ids))
    finally:
        await pool.close()


def with_session(work: Callable[[Session], Awaitable[T]], *, need: Sequence[str] = DATABASE) -> T:
    """Run a command that needs the database and return what it returns.

    Raises:
        SettingsError: The environment lacks something that is needed.
        Rejected: What was asked for cannot be done.
        Unavailable: Something does not answer.
    """

    async def run() -> T:
        async with open_session(settings) as session:
            return await work(session)

    settings = settings_for_commands(need=need)
    return run_async(run())


def settings_for_commands(*, need: Sequence[str]) -> Settings:
    """Read the settings; of what the layers below log only errors are shown, on standard error."""
    settings = load_settings(need=need)
    level = LEVELS["debug" if settings.log_level == "debug" else "error"]
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # Libraries say no more than we do; what matters of it reaches us as an error.
    logging.basicConfig(level=level if settings.log_level == "debug" else logging.CRITICAL)
    return settings


def run_async(work: Awaitable[T]) -> T:
    """Run something asynchronous to its end."""

    async def main() -> T:
        return await work

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())
