"""Fixtures of the console's tests."""

from collections.abc import AsyncIterator

import pytest

from shared.database.instance import ensure_instance_actor
from shared.database.pool import Connection, connect
from shared.database.worker_ids import id_generator
from shared.protocol.local_uris import LocalUris
from tests.infrastructure import Infrastructure
from tests.integration.console.command_line import ORIGIN, SECRET, Heddle


@pytest.fixture
async def heddle(
    own_database_url: str, own_broker_url: str, infrastructure: Infrastructure, database: Connection
) -> Heddle:
    """Return the command line of a migrated site that has its instance actor."""
    ids = await id_generator(database)
    await ensure_instance_actor(database, uris=LocalUris(ORIGIN), ids=ids, secret_key=SECRET)
    return Heddle(
        {
            "HEDDLE_ORIGIN": ORIGIN,
            "HEDDLE_DATABASE_URL": own_database_url,
            "HEDDLE_BROKER_URL": own_broker_url,
            "HEDDLE_BROKER_MANAGEMENT_URL": infrastructure.management_url,
            "HEDDLE_SECRET_KEY": SECRET,
            "HEDDLE_ALLOW_PRIVATE_PEERS": "true",
        }
    )


@pytest.fixture
async def database(own_database_url: str) -> AsyncIterator[Connection]:
    """Yield a connection to look at what commands did, and to prepare what they find."""
    connection = await connect(own_database_url, application_name="test")
    yield connection
    await connection.close()
