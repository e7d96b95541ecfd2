"""The fan-out deliverer: plan one delivery per server, sign, post, keep trouble per host.

`python -m services.fanout_deliverer`
"""

from contextlib import AsyncExitStack
from importlib.metadata import version

from services.fanout_deliverer.deliverer import Deliverer
from services.fanout_deliverer.worker import SOCKETS
from shared.database.pool import create_pool
from shared.database.worker_ids import id_generator
from shared.protocol.local_uris import LocalUris
from shared.queue.connection import connect
from shared.queue.publisher import Publisher
from shared.remote.addresses import PeerPolicy
from shared.remote.client import GuardedClient, Limits
from shared.resolution import DomainBlocks, Resolver, instance_signer
from shared.runtime.context import Context
from shared.runtime.service import run
from shared.runtime.startup import open_patiently

NAME = "fanout-deliverer"
NEED = ("origin", "database_url", "broker_url", "secret_key")
CONNECTIONS = 10


async def main(context: Context) -> None:
    """Deliver until told to stop, then finish what is in hand."""
    settings = context.settings
    uris = LocalUris(settings.origin, settings.account_domain)
    async with AsyncExitStack() as stack:
        pool = await open_patiently(
            context,
            "database",
            lambda: create_pool(settings.database_url, max_size=CONNECTIONS, application_name=NAME),
        )
        stack.push_async_callback(pool.close)
        signer = await open_patiently(
            context, "instance actor", lambda: instance_signer(pool, uris, settings.secret_key)
        )
        client = GuardedClient(
            PeerPolicy(settings.allow_private_peers),
            user_agent=f"Heddle/{version('heddle')} (+{uris.origin}/)",
            own_hosts=[uris.host],
            limits=Limits(connections=SOCKETS),
        )
        await stack.enter_async_context(client)
        broker = await stack.enter_async_context(connect(settings.broker_url, NAME))
        context.ready.add("broker", broker.check)
        async with pool.acquire() as conn:
            ids = await id_generator(conn)
        blocks = DomainBlocks(pool)
        deliverer = Deliverer(
            pool=pool,
            publisher=Publisher(broker),
            resolver=Resolver(client, pool, signer, uris, ids, blocks=blocks),
            client=client,
            uris=uris,
            blocks=blocks,
            secret_key=settings.secret_key,
        )
        async with deliverer.running(broker, context.watch) as checks:
            for queue, check in checks.items():
                context.ready.add(queue, check)
            await context.stopping.wait()


if __name__ == "__main__":
    run(NAME, main, need=NEED)
