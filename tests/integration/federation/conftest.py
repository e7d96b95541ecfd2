"""Fixtures of the federation tests."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.federation.site import GatewaySite, gateway_site


@pytest.fixture
async def site(own_database_url: str) -> AsyncIterator[GatewaySite]:
    """Yield a running gateway with an empty database."""
    async with gateway_site(own_database_url) as running:
        yield running


@pytest.fixture
async def secure_site(own_database_url: str) -> AsyncIterator[GatewaySite]:
    """Yield a running gateway that serves signed fetches only."""
    async with gateway_site(own_database_url, authorized_fetch=True) as running:
        yield running
