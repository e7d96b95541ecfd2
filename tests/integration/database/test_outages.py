"""What an outage looks like from the code: Unavailable, and a pool that comes back."""

import asyncio

import asyncpg
import pytest

from shared.database import claims
from shared.database.pool import (
    Connection,
    DatabaseConflict,
    DatabaseUnavailable,
    Pool,
    by_index,
    create_pool,
    unavailable_when_down,
)
from shared.database.worker_ids import id_generator
from tests.infrastructure import Infrastructure


async def test_killed_connection_is_an_outage(pool: Pool, conn: Connection) -> None:
    """A connection that the server ends raises Unavailable, and the pool serves the next caller."""

    async def work() -> None:
        with unavailable_when_down():
            async with pool.acquire() as doomed, by_index(doomed):
                pid = await doomed.fetchval("SELECT pg_backend_pid()")
                await conn.execute("SELECT pg_terminate_backend($1)", pid)
                await doomed.execute("SELECT 1")

    with pytest.raises(DatabaseUnavailable):
        await work()
    async with pool.acquire() as fresh:
        assert await fresh.fetchval("SELECT 1") == 1


async def test_no_server_is_an_outage() -> None:
    """Where nobody listens, opening a pool raises Unavailable."""
    with pytest.raises(DatabaseUnavailable):
        await create_pool("postgresql://nobody@127.0.0.1:1/none", application_name="test")


async def test_database_without_schema_is_an_outage(infrastructure: Infrastructure) -> None:
    """A database that has not been migrated yet is waited for."""
    pool = await create_pool(infrastructure.database_url, application_name="test")
    with pytest.raises(DatabaseUnavailable):
        async with pool.acquire() as conn:
            await id_generator(conn)
    await pool.close()


async def test_deadlock_is_a_conflict(pool: Pool) -> None:
    """Of two transactions that wait for each other one is told to try again."""
    await pool.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)")
    both = asyncio.Barrier(2)

    async def cross(first: int, second: int) -> None:
        with unavailable_when_down():
            async with pool.acquire() as conn, by_index(conn):
                await conn.execute("UPDATE t SET id = id WHERE id = $1", first)
                await both.wait()
                await conn.execute("UPDATE t SET id = id WHERE id = $1", second)

    outcomes = await asyncio.gather(cross(1, 2), cross(2, 1), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [DatabaseConflict]


async def test_mistake_is_no_outage(conn: Connection) -> None:
    """A wrong statement or value stays what it is: trying again would not help."""
    with pytest.raises(asyncpg.UndefinedTableError), unavailable_when_down():
        await conn.execute("SELECT * FROM nowhere")
    with pytest.raises(asyncpg.DataError), unavailable_when_down():
        await conn.fetchval("SELECT $1::int", "not a number")


async def test_failed_transaction_leaves_the_connection_fit(pool: Pool) -> None:
    """After an error inside a transaction its writes are gone and the connection can be used again."""
    await pool.execute("CREATE TABLE t (id int PRIMARY KEY)")

    async def work(conn: Connection) -> None:
        async with by_index(conn):
            await conn.execute("INSERT INTO t VALUES (1)")
            await conn.execute("INSERT INTO t VALUES (1)")

    async with pool.acquire() as conn:
        with pytest.raises(asyncpg.UniqueViolationError):
            await work(conn)
        async with by_index(conn):
            assert await claims.claim(conn, []) == set()
        assert await conn.fetchval("SELECT count(*) FROM t") == 0
        assert await conn.fetchval("SHOW enable_seqscan") == "on"


async def test_by_index_reads_no_young_table_whole(pool: Pool) -> None:
    """A few rows are found by index inside, though reading the whole is cheaper by now; not after it."""
    question = "EXPLAIN SELECT id FROM young WHERE id = ANY('{1,2,3}')"
    async with pool.acquire() as conn:
        await conn.execute("CREATE TABLE young (id int PRIMARY KEY); INSERT INTO young VALUES (1)")
        await conn.execute("ANALYZE young")
        async with by_index(conn):
            inside = await conn.fetch(question)
        after = await conn.fetch(question)
    assert not any("Seq Scan" in row[0] for row in inside)
    assert any("Seq Scan" in row[0] for row in after)
