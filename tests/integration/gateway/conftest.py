"""A gateway for each module of tests, with three accounts."""

from collections.abc import Iterator

import pytest

from tests.integration.gateway.running import RunningGateway, running_gateway


@pytest.fixture(scope="module")
def site(database_url: str) -> Iterator[RunningGateway]:
    """Yield a running gateway with @ada, @grace and @locked, who lets followers in by hand."""
    with running_gateway(database_url) as running:
        for name in ("ada", "grace"):
            running.account(name, display_name=name.title())
        running.account("locked", locked=True)
        yield running
