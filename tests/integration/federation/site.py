"""A gateway on loopback with a database of its own, and the people and posts that a test needs."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from services.platform_gateway.app import build_app
from services.platform_gateway.gateway import Gateway
from shared.actions import boosts, posts
from shared.actions.accounts import create_account
from shared.actions.posts import Draft
from shared.actions.site import Site
from shared.database.authors import Author, author_by_name
from shared.database.instance import ensure_instance_actor
from shared.database.pool import create_pool
from shared.database.worker_ids import id_generator
from shared.protocol.local_uris import LocalUris
from shared.remote.addresses import PeerPolicy
from shared.remote.client import GuardedClient
from shared.resolution import Resolver, instance_signer
from shared.runtime.settings import load_settings
from tests.ports import free_port

SECRET = "a secret of at least thirty-two characters"
USER_AGENT = "Heddle-tests/1"


@dataclass(frozen=True, kw_only=True)
class GatewaySite:
    """A running gateway, and a client without cookies or redirects to read it with."""

    gateway: Gateway
    http: aiohttp.ClientSession

    @property
    def origin(self) -> str:
        """Scheme, host and port of the site."""
        return self.gateway.site.uris.origin

    async def get(self, url: str, *, accept: str = "", **headers: str) -> "Answer":
        """GET an address of the site, given in full or as a path."""
        wanted = url if url.startswith("http") else f"{self.origin}{url}"
        sent = {**headers, **({"Accept": accept} if accept else {})}
        async with self.http.get(wanted, headers=sent, allow_redirects=False) as response:
            return Answer(response.status, response.headers, await response.read(), str(response.url))

    async def head(self, path: str) -> "Answer":
        """HEAD a path of the site."""
        async with self.http.head(f"{self.origin}{path}", allow_redirects=False) as response:
            return Answer(response.status, response.headers, await response.read(), str(response.url))

    async def account(self, name: str, *, federated: bool = True, display_name: str = "") -> Author:
        """Make an account."""
        async with self.gateway.pool.acquire() as conn, conn.transaction():
            await create_account(
                conn,
                self.gateway.site,
                name,
                secret_key=SECRET,
                display_name=display_name,
                federated=federated,
            )
        return await self.author(name)

    async def author(self, name: str) -> Author:
        """Return an account as the author of what it does."""
        async with self.gateway.pool.acquire() as conn:
            author = await author_by_name(conn, name)
        assert author is not None
        return author

    async def post(self, author: Author, draft: Draft) -> int:
        """Publish a post and return its id."""
        async with self.gateway.pool.acquire() as conn, conn.transaction():
            return await posts.publish(conn, self.gateway.site, author, draft, {})

    async def delete(self, author: Author, status_id: int) -> None:
        """Delete a post."""
        async with self.gateway.pool.acquire() as conn, conn.transaction():
            await posts.delete(conn, self.gateway.site, author, status_id)

    async def boost(self, author: Author, status_id: int) -> int:
        """Boost a post and return the boost's id."""
        async with self.gateway.pool.acquire() as conn, conn.transaction():
            return await boosts.boost(conn, self.gateway.site, author, status_id)

    async def execute(self, statement: str, *values: object) -> None:
        """Change the database as no action does yet."""
        async with self.gateway.pool.acquire() as conn:
            await conn.execute(statement, *values)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def media_type(self) -> str:
        """The media type without parameters."""
        return self.headers.get("Content-Type", "").partition(";")[0]


@asynccontextmanager
async def gateway_site(
    database_url: str, *, authorized_fetch: bool = False, name: str = "loom"
) -> AsyncIterator[GatewaySite]:
    """Run the gateway's application at `http://{name}.localhost:PORT`."""
    port = free_port()
    origin = f"http://{name}.localhost:{port}"
    settings = load_settings(
        {
            "HEDDLE_ORIGIN": origin,
            "HEDDLE_DATABASE_URL": database_url,
            "HEDDLE_SECRET_KEY": SECRET,
            "HEDDLE_ALLOW_PRIVATE_PEERS": "true",
            "HEDDLE_AUTHORIZED_FETCH": str(authorized_fetch).lower(),
        }
    )
    async with AsyncExitStack() as stack:
        pool = await create_pool(database_url, max_size=3, application_name="test-gateway")
        stack.push_async_callback(pool.close)
        uris = LocalUris(settings.origin, settings.account_domain)
        async with pool.acquire() as conn:
            site = Site(uris=uris, ids=await id_generator(conn))
            await ensure_instance_actor(conn, uris=uris, ids=site.ids, secret_key=SECRET)
        client = await stack.enter_async_context(
            GuardedClient(PeerPolicy(allow_private=True), user_agent=USER_AGENT, own_hosts=[uris.host])
        )
        signer = await instance_signer(pool, uris, SECRET)
        resolver = Resolver(client, pool, signer, uris, site.ids)
        runner = web.AppRunner(
            build_app(Gateway(settings=settings, site=site, pool=pool, resolver=resolver)), access_log=None
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", port).start()
        connector = aiohttp.TCPConnector(resolver=Loopback())
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        yield GatewaySite(
            gateway=Gateway(settings=settings, site=site, pool=pool, resolver=resolver), http=http
        )


class Loopback(aiohttp.abc.AbstractResolver):
    """Takes every name for loopback."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[aiohttp.abc.ResolveResult]:
        """Return the one address there is."""
        return [
            aiohttp.abc.ResolveResult(
                hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        """Nothing to close."""
