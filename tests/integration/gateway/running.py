"""A gateway that listens on loopback, in a thread of its own, and what tests do with it."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from typing import Any, TypeVar

import asyncpg
from aiohttp import web
from asyncpg.connection import LoggedQuery
from mastodon import Mastodon

from services.platform_gateway.app import build_app
from services.platform_gateway.gateway import GATEWAY, Gateway
from shared.actions import accounts
from shared.actions.scopes import ALL
from shared.actions.site import Site
from shared.database.authors import Author, author_by_name
from shared.database.instance import ensure_instance_actor
from shared.database.pool import Connection, Pool, create_pool
from shared.database.worker_ids import id_generator
from shared.protocol.local_uris import LocalUris
from shared.protocol.messages import AcceptedActivity, Codec
from shared.remote.addresses import PeerPolicy
from shared.remote.client import GuardedClient
from shared.resolution import Resolver, instance_signer
from shared.runtime.settings import load_settings

T = TypeVar("T")
SECRET = "a secret key of the tests, long enough"
PASSWORD = "correct horse"
POOL_SIZE = 4
_codec = Codec(AcceptedActivity)


class Sent:
    """One outbox row: its queue and the activity in it."""

    def __init__(self, queue: str, payload: bytes) -> None:
        self.queue = queue
        self.item = _codec.decode(payload)[0]


class RunningGateway:
    """The gateway under test."""

    def __init__(self, app: web.Application, loop: asyncio.AbstractEventLoop, address: str) -> None:
        self.app = app
        self.address = address
        self.gateway = gateway = app[GATEWAY]
        self.origin = gateway.site.uris.origin
        self._loop = loop
        self._tokens: dict[tuple[str, tuple[str, ...]], str] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the gateway's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def db(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run something on a connection, in a transaction."""

        async def inside() -> T:
            async with self.gateway.pool.acquire() as conn, conn.transaction():
                return await work(conn)

        return self.run(inside())

    def value(self, query: str, *arguments: object) -> Any:
        """Return the single value of a query."""
        return self.db(lambda conn: conn.fetchval(query, *arguments))

    def execute(self, statement: str, *arguments: object) -> None:
        """Change something behind the API's back."""
        self.db(lambda conn: conn.execute(statement, *arguments))

    def account(self, name: str, **options: Any) -> int:
        """Make an account with the password of all tests."""
        site = self.gateway.site

        async def make(conn: Connection) -> int:
            return await accounts.create_account(
                conn, site, name, secret_key=SECRET, password=PASSWORD, **{"federated": True, **options}
            )

        return self.db(make)

    def author(self, name: str) -> Author:
        """Return an account as actions see it."""
        author = self.db(lambda conn: author_by_name(conn, name))
        assert author is not None
        return author

    def token(self, name: str, *scopes: str) -> str:
        """Return a token of an account, with all scopes unless some are named."""
        key = (name, scopes or ALL)
        if key not in self._tokens:
            account_id = self.author(name).id
            self._tokens[key] = self.db(lambda conn: accounts.create_token(conn, account_id, key[1]))
        return self._tokens[key]

    def client(self, name: str, *scopes: str) -> Mastodon:
        """Return Mastodon.py, signed in."""
        return Mastodon(
            access_token=self.token(name, *scopes), api_base_url=self.origin, ratelimit_method="throw"
        )

    def visitor(self) -> Mastodon:
        """Return Mastodon.py, not signed in."""
        return Mastodon(api_base_url=self.origin, ratelimit_method="throw")

    def headers(self, name: str, *scopes: str) -> dict[str, str]:
        """Return the headers of a signed-in request."""
        return {"Authorization": f"Bearer {self.token(name, *scopes)}"}

    @contextmanager
    def outbox(self) -> Iterator[list[Sent]]:
        """Collect what is written to the outbox meanwhile."""
        sent: list[Sent] = []
        before = self.value("SELECT coalesce(max(id), 0) FROM outbox")
        yield sent
        rows = self.db(
            lambda conn: conn.fetch("SELECT queue, payload FROM outbox WHERE id > $1 ORDER BY id", before)
        )
        sent.extend(Sent(row["queue"], row["payload"]) for row in rows)

    @contextmanager
    def counting_queries(self) -> Iterator[list[str]]:
        """Collect the statements that requests make meanwhile."""
        queries: list[str] = []

        def note(record: LoggedQuery) -> None:
            queries.append(record.query)

        connections = self.run(_every_connection(self.gateway.pool))
        for connection in connections:
            connection.add_query_logger(note)
        try:
            yield queries
        finally:
            for connection in connections:
                connection.remove_query_logger(note)


async def _every_connection(pool: Pool) -> list["asyncpg.Connection[asyncpg.Record]"]:
    """Return all connections of a pool, so that it does not matter which one a request gets."""
    held = [await pool.acquire() for _ in range(POOL_SIZE)]
    try:
        return [proxy._con for proxy in held]  # type: ignore[attr-defined]  # noqa: SLF001 - outlives the proxy
    finally:
        for proxy in held:
            await pool.release(proxy)


@contextmanager
def running_gateway(database_url: str, more: Mapping[str, str] | None = None) -> Iterator[RunningGateway]:
    """Start a gateway on a free port of loopback, with more settings if need be; stops it afterwards."""
    listener = socket.create_server(("127.0.0.1", 0))
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    stack = AsyncExitStack()
    try:
        start = _start(stack, listener, origin, database_url, more or {})
        app = asyncio.run_coroutine_threadsafe(start, loop).result(60)
        yield RunningGateway(app, loop, origin)
    finally:
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _start(
    stack: AsyncExitStack, listener: socket.socket, origin: str, database_url: str, more: Mapping[str, str]
) -> web.Application:
    settings = load_settings(
        {
            "HEDDLE_ORIGIN": origin,
            "HEDDLE_DATABASE_URL": database_url,
            "HEDDLE_SECRET_KEY": SECRET,
            "HEDDLE_ALLOW_PRIVATE_PEERS": "true",
            **more,
        },
        need=(),
    )
    uris = LocalUris(settings.origin, settings.account_domain)
    pool = await create_pool(settings.database_url, max_size=POOL_SIZE, application_name="gateway-test")
    stack.push_async_callback(pool.close)
    async with pool.acquire() as conn:
        ids = await id_generator(conn)
        await ensure_instance_actor(conn, uris=uris, ids=ids, secret_key=SECRET)
    signer = await instance_signer(pool, uris, SECRET)
    client = await stack.enter_async_context(
        GuardedClient(PeerPolicy(allow_private=True), user_agent="Heddle test", own_hosts=[uris.host])
    )
    gateway = Gateway(
        settings=settings,
        site=Site(uris=uris, ids=ids),
        pool=pool,
        resolver=Resolver(client, pool, signer, uris, ids),
    )
    app = build_app(gateway)
    runner = web.AppRunner(app, handle_signals=False, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.SockSite(runner, listener).start()
    return app
