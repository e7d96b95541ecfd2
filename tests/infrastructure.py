"""Databases and virtual hosts of their own for the tests, on a real Postgres and a real RabbitMQ."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
from msgspec import Struct

from shared.database.migrator import migrate
from shared.queue.management import Management

T = TypeVar("T")


class Infrastructure(Struct, frozen=True, kw_only=True):
    """Where the servers are: the database URL belongs to a superuser, the broker's to an administrator."""

    database_url: str
    broker_url: str
    management_url: str


def with_path(url: str, name: str) -> str:
    """Return the URL of another database of this server, or another virtual host of this broker."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{quote(name, safe='')}"))


def vhost_of(broker_url: str) -> str:
    """Return the virtual host that a broker URL of these tests names."""
    return urlsplit(broker_url).path[1:]


def run_apart(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine from a synchronous fixture, on an event loop in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def unique(what: str) -> str:
    """Return a name that no other test takes."""
    return f"test_{what}_{secrets.token_hex(6)}"


@contextlib.contextmanager
def template_database(server_url: str) -> Iterator[str]:
    """Make a database with the migrations applied, to copy from; yields its name."""
    name = unique("template")
    run_apart(_execute(server_url, f'CREATE DATABASE "{name}"'))
    try:
        run_apart(migrate(with_path(server_url, name)))
        yield name
    finally:
        run_apart(_retrying(server_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


@contextlib.contextmanager
def database(server_url: str, template: str) -> Iterator[str]:
    """Make a copy of the template; yields its URL and drops it afterwards."""
    name = unique("db")
    # Two copies at once would find the template in use. File by file: through the log, the default, each
    # page would be written twice, and tests make hundreds of databases.
    copy = f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY'
    run_apart(_retrying(server_url, copy))
    try:
        yield with_path(server_url, name)
    finally:
        run_apart(_retrying(server_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


@contextlib.contextmanager
def vhost(infrastructure: Infrastructure) -> Iterator[str]:
    """Make a virtual host; yields the broker URL for it and deletes it afterwards."""
    name = unique("vhost")
    user = urlsplit(infrastructure.broker_url).username or "guest"
    rights = {"configure": ".*", "write": ".*", "read": ".*"}
    run_apart(_manage(infrastructure, ("PUT", f"/vhosts/{name}", {})))
    try:
        run_apart(_manage(infrastructure, ("PUT", f"/permissions/{name}/{quote(user)}", rights)))
        yield with_path(infrastructure.broker_url, name)
    finally:
        run_apart(_manage(infrastructure, ("DELETE", f"/vhosts/{name}", None)))


async def eventually(
    reached: Callable[[], bool | Awaitable[bool]],
    what: str = "the effect",
    *,
    seconds: float = 20.0,
    pause: float = 0.02,
) -> None:
    """Return once the condition holds; fail with what was waited for when it never does.

    Args:
        reached: The condition.
        what: For the failure.
        seconds: How long to wait for it.
        pause: Seconds between two looks.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = reached()
        if answer if isinstance(answer, bool) else await answer:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s in vain for {what}")
        await asyncio.sleep(pause)


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _retrying(url: str, statement: str) -> None:
    for attempt in range(50):
        try:
            return await _execute(url, statement)
        except (asyncpg.ObjectInUseError, asyncpg.InsufficientPrivilegeError):
            # Who is in it may also be the server's own vacuum, which nobody else may send away.
            await asyncio.sleep(0.05 * (attempt + 1))
    return await _execute(url, statement)


async def _manage(infrastructure: Infrastructure, call: tuple[str, str, dict[str, str] | None]) -> None:
    async with Management(infrastructure.management_url) as management:
        await management.request(*call)
