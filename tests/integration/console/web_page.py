"""The console's web page on loopback, in front of real servers."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
from aiohttp import web

from services.operator_console.web.app import build_app
from services.operator_console.web.console import Console
from shared.database.pool import create_pool
from shared.queue.connection import connect
from shared.runtime.settings import Address, load_settings
from tests.infrastructure import Infrastructure
from tests.integration.console.command_line import ORIGIN
from tests.ports import free_port


@asynccontextmanager
async def console_page(
    infrastructure: Infrastructure, database_url: str, broker_url: str
) -> AsyncIterator[str]:
    """Serve the console; yields its origin."""
    settings = load_settings(
        {
            "HEDDLE_ORIGIN": ORIGIN,
            "HEDDLE_ALLOW_PRIVATE_PEERS": "true",
            "HEDDLE_DATABASE_URL": database_url,
            "HEDDLE_BROKER_URL": broker_url,
            "HEDDLE_BROKER_MANAGEMENT_URL": infrastructure.management_url,
        }
    )
    listen = Address("127.0.0.1", free_port())
    async with AsyncExitStack() as stack:
        pool = await create_pool(database_url, min_size=0, max_size=2, application_name="test-console")
        stack.push_async_callback(pool.close)
        broker = await stack.enter_async_context(connect(broker_url, "test-console", queues=()))
        app = build_app(Console(settings=settings, pool=pool, broker=broker), listen)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, listen.host, listen.port).start()
        yield f"http://{listen}"


async def read(origin: str, path: str, **headers: str) -> tuple[int, str]:
    """GET a page; return status and text."""
    async with aiohttp.ClientSession() as http, http.get(f"{origin}{path}", headers=headers) as response:
        return response.status, await response.text()
