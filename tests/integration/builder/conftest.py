"""Fixtures of the builder's tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shared.actions.site import Site
from shared.database.pool import create_pool
from shared.database.worker_ids import id_generator
from shared.protocol.local_uris import LocalUris
from tests.integration.builder.stage import Stage


@asynccontextmanager
async def open_stage(database_url: str) -> AsyncIterator[Stage]:
    """Set a stage on a database."""
    pool = await create_pool(database_url, max_size=4, application_name="test")
    try:
        async with pool.acquire() as conn:
            ids = await id_generator(conn)
        yield Stage(pool=pool, site=Site(uris=LocalUris("http://loom.localhost:8080"), ids=ids))
    finally:
        await pool.close()


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Stage]:
    """Yield a stage on the database that the module shares."""
    async with open_stage(database_url) as opened:
        yield opened
