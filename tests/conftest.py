"""Fixtures that every test may use.

`HEDDLE_TEST_DATABASE_URL`, `HEDDLE_TEST_BROKER_URL` and `HEDDLE_TEST_MANAGEMENT_URL` name the servers; where
they are not set, embedded ones run for as long as the tests do.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from deploy.local.paths import SetupError
from deploy.local.testing import servers_for_tests
from tests.infrastructure import Infrastructure, database, template_database, vhost

DATABASE = "HEDDLE_TEST_DATABASE_URL"
BROKER = "HEDDLE_TEST_BROKER_URL"
MANAGEMENT = "HEDDLE_TEST_MANAGEMENT_URL"

LONG = ("tests/unit/house/test_house.py", "tests/e2e/test_local_site.py", "tests/faults/")
"""Files that take a minute or more."""


def _given() -> bool:
    return all(os.environ.get(name) for name in (DATABASE, BROKER, MANAGEMENT))


def _start_servers(stack: ExitStack) -> None:
    try:
        os.environ.update(stack.enter_context(servers_for_tests()))
    except (SetupError, FileNotFoundError) as problem:
        pytest.exit(f"no servers to test against, `make test` brings them: {problem}", returncode=1)


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers before the processes that share them; a lone process waits for the first need."""
    spreads = config.getoption("dist", "no") != "no" and not hasattr(config, "workerinput")
    if spreads and not _given():
        stack = ExitStack()
        config.add_cleanup(stack.close)
        _start_servers(stack)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the files that take longest begin first: the last of several processes ends soonest so."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.fixture(scope="session")
def infrastructure() -> Iterator[Infrastructure]:
    """Yield where Postgres and RabbitMQ are."""
    with ExitStack() as stack:
        if not _given():
            _start_servers(stack)
        yield Infrastructure(
            database_url=os.environ[DATABASE],
            broker_url=os.environ[BROKER],
            management_url=os.environ[MANAGEMENT],
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
