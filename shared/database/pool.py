"""Connections to Postgres: a pool per process, UTC, jsonb through msgspec, errors in two families."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

import asyncpg
import msgspec

from shared.database.driver import PlainConnection, tell_arrays_by_type
from shared.protocol.errors import Unavailable

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
else:
    Pool = asyncpg.Pool
    Connection = asyncpg.Connection

COMMAND_TIMEOUT = 30.0
"""Seconds that one statement may take before it counts as an outage."""

CONNECT_TIMEOUT = 10.0
"""Seconds that opening a connection may take."""

_JSONB_VERSION = b"\x01"


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached, or takes no work right now."""

    reason = "database_unavailable"


class DatabaseConflict(Unavailable):
    """Another transaction was in the way; the same work succeeds when tried again."""

    reason = "database_conflict"


_CONFLICTS = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
)
_OUTAGES = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutdown, crash of the server, statement timeout
    asyncpg.InsufficientResourcesError,  # disk full, out of memory, too many connections
    asyncpg.ReadOnlySQLTransactionError,  # a replica that was just demoted
    asyncpg.InternalClientError,
    OSError,
    asyncio.TimeoutError,
)


def classify(error: BaseException) -> Unavailable | None:
    """Return the outage that an error of the driver stands for; nothing where the work itself is at fault."""
    if isinstance(error, _CONFLICTS):
        return DatabaseConflict(str(error))
    if isinstance(error, _OUTAGES):
        return DatabaseUnavailable(_in_words(error))
    if isinstance(error, asyncpg.InterfaceError) and not isinstance(error, ValueError):
        return DatabaseUnavailable(str(error))  # the connection or the pool was closed under us
    return None


@contextmanager
def unavailable_when_down() -> Iterator[None]:
    """Raise Unavailable in place of the driver's errors that mean an outage; let all others through."""
    try:
        yield
    except Exception as error:
        outage = classify(error)
        if outage is None:
            raise
        raise outage from error


def _in_words(error: BaseException) -> str:
    """Return what a person understands of it; some errors, a time-out for instance, have a name only."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


@contextmanager
def _opening(url: str) -> Iterator[None]:
    """Raise Unavailable that says where no database answers, but not who asked."""
    try:
        with unavailable_when_down():
            yield
    except DatabaseUnavailable as outage:
        parts = urlsplit(url)
        place = f"{parts.netloc.rpartition('@')[2]}{parts.path}"
        raise DatabaseUnavailable(f"the database at {place} does not answer: {outage}") from outage


@asynccontextmanager
async def by_index(conn: Connection, *, idle_at_most: float | None = None) -> AsyncIterator[None]:
    """Run a transaction whose statements go by index, however young the tables are.

    Plans are kept for the life of a connection. One that was made while a table was nearly empty reads the
    whole table for as long as no ANALYZE has noticed its growth, which on a new site costs tenfold.

    Args:
        conn: A connection that is in no transaction.
        idle_at_most: Seconds for which it may stay open with nothing under way; Postgres cuts it off then.
    """
    limit = "" if idle_at_most is None else _IDLE_AT_MOST.format(milliseconds=round(idle_at_most * 1000))
    await conn.execute(_BY_INDEX + limit)
    try:
        yield
    except BaseException:
        if not conn.is_closed():
            await conn.execute("ROLLBACK")
        raise
    await conn.execute("COMMIT")


_BY_INDEX = "BEGIN; SET LOCAL enable_seqscan = off"
_IDLE_AT_MOST = "; SET LOCAL idle_in_transaction_session_timeout = {milliseconds}"


def _encode_jsonb(value: object) -> bytes:
    return _JSONB_VERSION + msgspec.json.encode(value)


def _decode_jsonb(data: bytes) -> object:
    return msgspec.json.decode(data[1:])


def json_text(value: object) -> str | None:
    """Return a value as JSON, for a column of an `unnest`: the driver takes a tuple there for a dimension."""
    if value is None:
        return None
    return "[]" if value == () else msgspec.json.encode(value).decode()


async def prepare_connection(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Teach a connection jsonb: any msgspec type goes in, plain lists and dicts come out."""
    tell_arrays_by_type()
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode_jsonb, decoder=_decode_jsonb, format="binary"
    )


async def create_pool(url: str, *, min_size: int = 1, max_size: int = 4, application_name: str) -> Pool:
    """Open a pool; raises Unavailable where the database does not answer.

    Args:
        url: `postgresql://…`, as in `HEDDLE_DATABASE_URL`.
        min_size: Connections that are opened at once and kept.
        max_size: The most connections this process may hold.
        application_name: Shown in `pg_stat_activity`.
    """
    with _opening(url):
        return await asyncpg.create_pool(
            url,
            min_size=min_size,
            max_size=max_size,
            command_timeout=COMMAND_TIMEOUT,
            timeout=CONNECT_TIMEOUT,
            init=prepare_connection,
            connection_class=PlainConnection,
            server_settings={"application_name": application_name, "timezone": "UTC"},
        )


async def connect(url: str, *, application_name: str) -> "asyncpg.Connection[asyncpg.Record]":
    """Open one connection outside any pool, set up as those of a pool; raises Unavailable."""
    with _opening(url):
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
            url,
            timeout=CONNECT_TIMEOUT,
            connection_class=PlainConnection,
            server_settings={"application_name": application_name, "timezone": "UTC"},
        )
        await prepare_connection(connection)
        return connection
