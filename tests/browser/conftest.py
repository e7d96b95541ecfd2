"""A real browser, and a site for it to look at.

`HEDDLE_TEST_CHROMIUM` names the browser; otherwise one is looked for on the PATH.
"""

import os
import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

from tests.integration.federation.site import GatewaySite, gateway_site

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str | None:
    """Return the path of a browser, if there is one."""
    named = os.environ.get("HEDDLE_TEST_CHROMIUM")
    return named or next(filter(None, map(shutil.which, _NAMES)), None)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Yield a headless Chromium."""
    path = chromium()
    if path is None:
        pytest.skip("no Chromium: install one or set HEDDLE_TEST_CHROMIUM")
    # As root the browser's own sandbox cannot work; it only opens pages from loopback here.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=path, args=arguments)
        yield started
        await started.close()


@pytest.fixture
async def site(own_database_url: str) -> AsyncIterator[GatewaySite]:
    """Yield a running gateway with an empty database."""
    async with gateway_site(own_database_url) as running:
        yield running
