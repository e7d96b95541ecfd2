"""Fixtures of the queue's contract."""

from collections.abc import AsyncIterator

import pytest

from shared.queue.connection import Broker, connect
from shared.queue.publisher import Publisher
from tests.contract.requests import QUEUES


@pytest.fixture
async def broker(own_broker_url: str) -> AsyncIterator[Broker]:
    """Yield a connected broker with the queues that these tests use."""
    async with connect(own_broker_url, "test", QUEUES) as broker:
        await broker.wait_until_up()
        yield broker


@pytest.fixture
def publisher(broker: Broker) -> Publisher:
    """Return a publisher of this broker."""
    return Publisher(broker)
