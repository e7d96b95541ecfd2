"""The signature verifier: who sent this, and is it intact?

`python -m services.signature_verifier`
"""

from contextlib import AsyncExitStack
from importlib.metadata import version

from services.signature_verifier.followers import Repairs
from services.signature_verifier.verifier import Verifier
from shared.actions.site import Site
from shared.database.pool import create_pool
from shared.database.worker_ids import id_generator
from shared.protocol.local_uris import LocalUris
from shared.queue.connection import connect
from shared.queue.publisher import Publisher
from shared.remote.addresses import PeerPolicy
from shared.remote.client import GuardedClient
from shared.resolution import DomainBlocks, Resolver, instance_signer
from shared.runtime.context import Context
from shared.runtime.service import run
from shared.runtime.startup import open_patiently

NAME = "signature-verifier"
NEED = ("origin", "database_url", "broker_url", "secret_key")
CONNECTIONS = 8


async def main(context: Context) -> None:
    """Verify until told to stop, then finish what is in hand."""
    settings = context.settings
    uris = LocalUris(settings.origin, settings.account_domain)
    client = GuardedClient(
        PeerPolicy(settings.allow_private_peers),
        user_agent=f"Heddle/{version('heddle')} (+{uris.origin}/)",
        own_hosts=[uris.host],
    )
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
        await stack.enter_async_context(client)
        broker = await stack.enter_async_context(connect(settings.broker_url, NAME))
        context.ready.add("broker", broker.check)
        async with pool.acquire() as conn:
            ids = await id_generator(conn)
        blocks = DomainBlocks(pool)
        resolver = Resolver(client, pool, signer, uris, ids, blocks=blocks)
        verifier = Verifier(
            pool=pool, publisher=Publisher(broker), resolver=resolver, uris=uris, blocks=blocks
        )
        for consumer in verifier.consumers(broker):
            await stack.enter_async_context(consumer)
            context.ready.add(consumer.queue, consumer.check)
        repairs = Repairs(pool, resolver, Site(uris=uris, ids=ids))
        await repairs.run(context.stopping)


if __name__ == "__main__":
    run(NAME, main, need=NEED)
