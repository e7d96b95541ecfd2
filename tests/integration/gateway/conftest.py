"""A gateway for each module of tests, with three accounts."""

from collections.abc import Iterator

import pytest

from services.platform_gateway.streaming import sse
from tests.integration.gateway.running import RunningGateway, running_gateway


@pytest.fixture(scope="package", autouse=True)
def quick_heartbeats() -> Iterator[None]:
    """Have streams beat often: Mastodon.py's client ends only once it hears something."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sse, "HEARTBEAT", 0.5)
        yield


@pytest.fixture(scope="module")
def site(database_url: str) -> Iterator[RunningGateway]:
    """Yield a running gateway with @ada, @grace and @locked, who lets followers in by hand."""
    with running_gateway(database_url) as running:
        for name in ("ada", "grace"):
            running.account(name, display_name=name.title())
        running.account("locked", locked=True)
        yield running
