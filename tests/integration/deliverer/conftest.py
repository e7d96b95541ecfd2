"""The deliverer at work, with local accounts that federate and remote hosts that follow them."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.deliverer.running import RunningDeliverer, run_deliverer
from tests.integration.world import World


@pytest.fixture
async def deliverer(world: World, own_broker_url: str) -> AsyncIterator[RunningDeliverer]:
    """Yield a running deliverer."""
    async with run_deliverer(world, own_broker_url) as running:
        yield running
