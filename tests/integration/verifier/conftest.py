"""The verifier at work, between a queue to write to and a queue to read from."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.verifier.running import RunningVerifier, run_verifier
from tests.integration.world import World


@pytest.fixture
async def verifier(world: World, own_broker_url: str) -> AsyncIterator[RunningVerifier]:
    """Yield a running verifier."""
    async with run_verifier(world, own_broker_url) as running:
        yield running
