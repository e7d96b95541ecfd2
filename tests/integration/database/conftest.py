"""Fixtures of the tests of queries."""

from collections.abc import AsyncIterator

import pytest

from shared.database.pool import Connection, Pool, create_pool
from shared.database.worker_ids import id_generator
from shared.protocol.identifiers import IdGenerator


@pytest.fixture
async def pool(own_database_url: str) -> AsyncIterator[Pool]:
    """Yield a pool on a database of this test alone."""
    opened = await create_pool(own_database_url, max_size=4, application_name="test")
    yield opened
    await opened.close()


@pytest.fixture
async def conn(pool: Pool) -> AsyncIterator[Connection]:
    """Yield a connection."""
    async with pool.acquire() as connection:
        yield connection


@pytest.fixture
async def ids(conn: Connection) -> IdGenerator:
    """Return an id generator with a number of its own."""
    return await id_generator(conn)
