"""Fixtures of the tests that need real servers."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.world import World, open_world


@pytest.fixture
async def world(own_database_url: str) -> AsyncIterator[World]:
    """Yield a site of its own with a fake fediverse around it."""
    async with open_world(own_database_url) as opened:
        yield opened
