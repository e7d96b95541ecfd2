"""Fixtures that every test may use.

`HEDDLE_TEST_DATABASE_URL`, `HEDDLE_TEST_BROKER_URL` and `HEDDLE_TEST_MANAGEMENT_URL` name the servers.
"""

import os
from collections.abc import Iterator

import pytest

from tests.infrastructure import Infrastructure, database, template_database, vhost


@pytest.fixture(scope="session")
def infrastructure() -> Infrastructure:
    """Return where Postgres and RabbitMQ are."""
    return Infrastructure(
        database_url=os.environ["HEDDLE_TEST_DATABASE_URL"],
        broker_url=os.environ["HEDDLE_TEST_BROKER_URL"],
        management_url=os.environ["HEDDLE_TEST_MANAGEMENT_URL"],
    )


@pytest.fixture(scope="session")
def database_template(infrastructure: Infrastructure) -> Iterator[str]:
    """Yield the name of a migrated database to copy from."""
    with template_database(infrastructure.database_url) as name:
        yield name


@pytest.fixture(scope="module")
def database_url(infrastructure: Infrastructure, database_template: str) -> Iterator[str]:
    """Yield a migrated database that the tests of one module share."""
    with database(infrastructure.database_url, database_template) as url:
        yield url


@pytest.fixture
def own_database_url(infrastructure: Infrastructure, database_template: str) -> Iterator[str]:
    """Yield a migrated database for one test alone."""
    with database(infrastructure.database_url, database_template) as url:
        yield url


@pytest.fixture(scope="module")
def broker_url(infrastructure: Infrastructure) -> Iterator[str]:
    """Yield a virtual host that the tests of one module share; it has no queues yet."""
    with vhost(infrastructure) as url:
        yield url


@pytest.fixture
def own_broker_url(infrastructure: Infrastructure) -> Iterator[str]:
    """Yield a virtual host for one test alone; it has no queues yet."""
    with vhost(infrastructure) as url:
        yield url
