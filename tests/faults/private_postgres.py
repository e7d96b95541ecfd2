"""A Postgres of a test's own, to be killed and started again."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg

from deploy.local.fetch import POSTGRES
from deploy.local.paths import Home
from deploy.local.postgres import EmbeddedPostgres, forget
from deploy.local.processes import Process, start
from shared.database.migrator import migrate
from tests.infrastructure import eventually
from tests.ports import free_port

START_SECONDS = 60.0


class PrivatePostgres:
    """One server with its data in a folder of its own.

    It keeps its promises about commits: one that confirms before it writes would lose what it confirmed.

    Args:
        folder: Where the data lies.
    """

    def __init__(self, folder: Path) -> None:
        self._home = Home(folder=folder)
        self._server = EmbeddedPostgres(home=self._home, port=free_port(), password="test")
        self._process: Process | None = None
        self.url = self._server.admin_url

    async def start(self) -> None:
        """Start the server, or start it again; returns when it answers."""
        await asyncio.to_thread(self._server.prepare)
        (program,) = self._server.programs()
        self._process = start(program)
        await eventually(self.answers, "the database", seconds=START_SECONDS)

    def kill(self) -> None:
        """End the server and all its sessions as a crash does."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.record.pid, signal.SIGKILL)
            self._process.handle.wait()

    def forget(self) -> None:
        """Remove the data, wherever it lies."""
        forget(self._home)

    async def answers(self) -> bool:
        """Tell whether it takes connections."""
        try:
            await (await asyncpg.connect(self.url, timeout=2)).close()
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        return True


@contextlib.asynccontextmanager
async def private_postgres(folder: Path) -> AsyncIterator[PrivatePostgres]:
    """Yield a running server of its own, migrated."""
    server = PrivatePostgres(folder)
    try:
        await server.start()
        await migrate(server.url)
        yield server
    finally:
        server.kill()
        server.forget()


def is_fetched() -> bool:
    """Tell whether the server's programs are here."""
    return POSTGRES.exists()
