"""One site for the whole suite, as processes, whose only peers are at 127.0.0.1."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from shared.database.pool import create_pool
from tests.fakes.remote_server import RemoteServer
from tests.forked import ROOT
from tests.hostile.arena import Arena
from tests.infrastructure import Infrastructure, database, vhost
from tests.integration.remote.raw import dns_server
from tests.sites import Site, running

OWN_DNS = Path(__file__).parent / "own_dns"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def arena(
    infrastructure: Infrastructure, database_template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Arena]:
    """Run the site, the attackers' servers and their DNS."""
    async with AsyncExitStack() as stack:
        url = stack.enter_context(database(infrastructure.database_url, database_template))
        broker = stack.enter_context(vhost(infrastructure))
        dns, address = await stack.enter_async_context(dns_server({}))
        extra = {
            "PYTHONPATH": f"{OWN_DNS}:{ROOT}",
            "HOSTILE_DNS": address,
            # All other private addresses are as forbidden as in production.
            "HEDDLE_ALLOW_PRIVATE_PEERS": "127.0.0.1/32",
        }
        folder = tmp_path_factory.mktemp("hostile")
        site = Site(name="fort", database_url=url, broker_url=broker, folder=folder, extra=extra)
        await stack.enter_async_context(running(site))
        pool = await create_pool(url, max_size=4, application_name="test")
        stack.push_async_callback(pool.close)
        yield Arena(
            site=site,
            remote=await stack.enter_async_context(RemoteServer()),
            dns=dns,
            pool=pool,
            ada=await site.account("ada"),
            http=await stack.enter_async_context(aiohttp.ClientSession()),
        )
