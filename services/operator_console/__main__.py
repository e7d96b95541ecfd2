"""The console's web page as a service; on loopback unless told otherwise."""

from dataclasses import replace

from aiohttp import web
from msgspec import structs

from services.operator_console.web.app import DEFAULT_LISTEN, build_app
from services.operator_console.web.console import Console
from shared.database.pool import create_pool
from shared.queue.connection import connect
from shared.runtime.context import Context
from shared.runtime.http import DRAIN_TIMEOUT, WebServer, serve
from shared.runtime.service import run

NAME = "operator-console"
NEED = ("origin", "database_url", "broker_url")


async def main(context: Context) -> None:
    """Serve until told to stop; what does not answer is told on the page, not a reason to end."""
    listen = context.settings.listen or DEFAULT_LISTEN
    context = replace(context, settings=structs.replace(context.settings, listen=listen))
    settings = context.settings
    pool = await create_pool(settings.database_url, min_size=0, max_size=3, application_name=NAME)
    try:
        # Declares nothing: whoever looks must not change what is there.
        async with connect(settings.broker_url, NAME, queues=()) as broker:
            app = build_app(Console(settings=settings, pool=pool, broker=broker), listen)
            runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=DRAIN_TIMEOUT, access_log=None)
            await serve(context, WebServer(runner))
    finally:
        await pool.close()


if __name__ == "__main__":
    run(NAME, main, need=NEED)
