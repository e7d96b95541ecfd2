"""Makes databases on a Postgres server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable

import asyncpg

from deploy.local.paths import SetupError
from deploy.local.urls import without_password

_ANSWER_WITHIN = 10.0


def answers(url: str) -> bool:
    """Tell whether the server lets us in."""

    async def ask() -> None:
        connection = await asyncpg.connect(url, timeout=_ANSWER_WITHIN)
        await connection.close()

    try:
        asyncio.run(ask())
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    return True


def create_role(admin_url: str, name: str, password: str) -> None:
    """Make sure that an ordinary role exists which may create databases, and set its password."""

    async def create() -> None:
        async with _connected(admin_url) as connection:
            known = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name)
            verb = "ALTER" if known else "CREATE"
            # Statements that define take no parameters; the server itself quotes them here.
            statement = await connection.fetchval(
                "SELECT format('%s ROLE %I LOGIN CREATEDB PASSWORD %L', $1::text, $2::text, $3::text)",
                verb,
                name,
                password,
            )
            await connection.execute(statement)

    asyncio.run(create())


def create_databases(url: str, names: Iterable[str]) -> None:
    """Make sure that these databases exist.

    Raises:
        SetupError: the server is not there, or does not let us.
    """

    async def create() -> None:
        async with _connected(url) as connection:
            for name in names:
                if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                    continue
                statement = await connection.fetchval("SELECT format('CREATE DATABASE %I', $1::text)", name)
                with contextlib.suppress(asyncpg.DuplicateDatabaseError):
                    await connection.execute(statement)

    try:
        asyncio.run(create())
    except (OSError, TimeoutError, asyncpg.PostgresError) as problem:
        raise SetupError(f"Postgres at {without_password(url)} does not serve: {problem}") from problem


@contextlib.asynccontextmanager
async def _connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url, timeout=_ANSWER_WITHIN)
    try:
        yield connection
    finally:
        await connection.close()
