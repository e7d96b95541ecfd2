"""A site without its services, and the fake fediverse around it: what stages are tested with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.database.accounts import NewAccount, create_local
from shared.database.instance import ensure_instance_actor
from shared.database.keys import of_actor
from shared.database.pool import Pool, create_pool
from shared.database.worker_ids import id_generator
from shared.protocol.identifiers import IdGenerator, uri_hash
from shared.protocol.local_uris import LocalUris
from shared.remote.addresses import PeerPolicy
from shared.remote.client import GuardedClient
from shared.resolution import DomainBlocks, Resolver, instance_signer
from shared.signatures.keys import pem_of
from tests.fakes.remote_server import RemoteServer

ORIGIN = "http://loom.localhost:8080"
SECRET = "a secret key for tests only, 32+ characters"


@dataclass(frozen=True, kw_only=True)
class World:
    """What a stage is built from. Nobody listens at `uris.origin`: the fakes know our keys."""

    pool: Pool
    uris: LocalUris
    ids: IdGenerator
    client: GuardedClient
    remote: RemoteServer
    resolver: Resolver
    blocks: DomainBlocks
    secret_key: str = SECRET

    async def account(self, name: str, *, federated: bool = True) -> int:
        """Make a local account and let the fakes know its keys; return its id."""
        async with self.pool.acquire() as conn, conn.transaction():
            account = NewAccount(username=name, federated=federated)
            actor_id = await create_local(
                conn, account, uris=self.uris, ids=self.ids, secret_key=self.secret_key
            )
        await self.introduce(actor_id)
        return actor_id

    async def introduce(self, actor_id: int) -> None:
        """Let the fakes know the keys of a local actor."""
        async with self.pool.acquire() as conn:
            for key in await of_actor(conn, actor_id):
                self.remote.trust(key.id, pem_of(key.der))

    async def follow(self, follower_uri: str, followee_id: int) -> None:
        """Have a remote actor, known here from now on, follow a local account."""
        follower = await self.resolver.actor(follower_uri)
        async with self.pool.acquire() as conn:
            await conn.execute(
                """
                INSERT INTO follows (follower_id, followee_id, state, uri, uri_hash, id)
                VALUES ($1, $2, 1, $3, $4, $5)
                """,
                follower.id,
                followee_id,
                follow_uri := f"{follower_uri}#follows/{followee_id}",
                uri_hash(follow_uri),
                self.ids.next(),
            )


@asynccontextmanager
async def open_world(database_url: str) -> AsyncIterator[World]:
    """Set up a site on this database, and a fediverse for it."""
    uris = LocalUris(ORIGIN)
    client = GuardedClient(PeerPolicy(allow_private=True), user_agent="Heddle/test", own_hosts=[uris.host])
    async with RemoteServer() as remote, client:
        pool = await create_pool(database_url, max_size=8, application_name="test")
        try:
            async with pool.acquire() as conn:
                ids = await id_generator(conn)
                instance = await ensure_instance_actor(conn, uris=uris, ids=ids, secret_key=SECRET)
            signer = await instance_signer(pool, uris, SECRET)
            blocks = DomainBlocks(pool)
            resolver = Resolver(client, pool, signer, uris, ids, blocks=blocks)
            world = World(
                pool=pool, uris=uris, ids=ids, client=client, remote=remote, resolver=resolver, blocks=blocks
            )
            await world.introduce(instance)
            yield world
        finally:
            await pool.close()
