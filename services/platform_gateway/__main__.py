"""The platform gateway: people, the platform and remote readers talk to it.

Run it as `python -m services.platform_gateway`.
"""

import asyncio
from contextlib import AsyncExitStack

from aiohttp import web

from services.platform_gateway.app import build_app
from services.platform_gateway.gateway import Gateway
from services.platform_gateway.housekeeping import keep_house
from services.platform_gateway.streaming import HUB
from shared.actions.site import Site
from shared.database.pool import Pool, create_pool, unavailable_when_down
from shared.database.worker_ids import id_generator
from shared.protocol.local_uris import LocalUris
from shared.queue.connection import connect
from shared.queue.live import LiveListener, LivePublisher
from shared.remote.addresses import PeerPolicy
from shared.remote.client import GuardedClient
from shared.resolution import Resolver, instance_signer
from shared.runtime.context import Context
from shared.runtime.http import DRAIN_TIMEOUT, WebServer, serve
from shared.runtime.service import run
from shared.runtime.settings import Settings
from shared.runtime.startup import open_patiently

NEED = ("origin", "database_url", "broker_url", "secret_key", "listen")
POOL_SIZE = 10


async def main(context: Context) -> None:
    """Serve until the context stops."""
    settings = context.settings
    async with AsyncExitStack() as stack:
        pool = await open_patiently(context, "database", lambda: _pool(settings, context.name))
        stack.push_async_callback(pool.close)
        broker = await stack.enter_async_context(connect(settings.broker_url, context.name, ()))
        live = LivePublisher(broker)
        gateway = await open_patiently(
            context, "instance_actor", lambda: _gateway(stack, settings, pool, live)
        )
        context.ready.add("database", lambda: _answers(pool))
        house = asyncio.create_task(keep_house(pool, context.stopping), name="housekeeping")
        app = build_app(gateway)
        listener = LiveListener(settings.broker_url, context.name, app[HUB].show)
        listening = asyncio.create_task(listener.run(context.stopping), name="live listener")
        telling = asyncio.create_task(live.run(context.stopping), name="live publisher")
        for task in (house, listening, telling):
            context.watch(task)
        runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=DRAIN_TIMEOUT, access_log=None)
        await serve(context, WebServer(runner))
        await asyncio.gather(house, listening, telling)


async def _pool(settings: Settings, name: str) -> Pool:
    return await create_pool(settings.database_url, max_size=POOL_SIZE, application_name=name)


async def _gateway(stack: AsyncExitStack, settings: Settings, pool: Pool, live: LivePublisher) -> Gateway:
    """Build what handlers use; raises Unavailable until the database is migrated."""
    uris = LocalUris(settings.origin, settings.account_domain)
    signer = await instance_signer(pool, uris, settings.secret_key)
    with unavailable_when_down():
        async with pool.acquire() as conn:
            ids = await id_generator(conn)
    client = await stack.enter_async_context(
        GuardedClient(
            PeerPolicy(settings.allow_private_peers),
            user_agent=f"Heddle (+{settings.origin}/)",
            own_hosts=[uris.host],
        )
    )
    resolver = Resolver(client, pool, signer, uris, ids)
    site = Site(uris=uris, ids=ids)
    return Gateway(settings=settings, site=site, pool=pool, resolver=resolver, tell=live.tell)


async def _answers(pool: Pool) -> str:
    with unavailable_when_down():
        await pool.fetchval("SELECT 1")
    return ""


if __name__ == "__main__":
    run("platform-gateway", main, need=NEED)
