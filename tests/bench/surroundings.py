"""What a benchmark runs in: a site of its own on the given broker and database, and who does the work."""

import contextlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import psutil

from services.load_generator.characters import Cast
from services.load_generator.keys import load_ring
from services.load_generator.population import Population
from services.load_generator.simulated_servers import SimulatedServers
from tests.forked import execute
from tests.infrastructure import Infrastructure, database, template_database, vhost
from tests.ports import free_port
from tests.sites import Site, running

SERVICES = (
    "inbox_receiver",
    "signature_verifier",
    "timeline_builder",
    "fanout_deliverer",
    "platform_gateway",
)
KEYS = 8


@dataclass(kw_only=True)
class Surroundings:
    """A running site, the simulated fediverse around it, and a connection to its database."""

    site: Site
    servers: SimulatedServers
    connection: "asyncpg.Connection[asyncpg.Record]"
    pids: dict[str, list[int]]

    @property
    def population(self) -> Population:
        """Who lives in the simulated fediverse."""
        return self.servers.population


def listener(url: str) -> int:
    """Return the process that listens on the port of a URL: the broker or the database itself."""
    port = urlsplit(url).port
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
            return int(connection.pid)
    raise SystemExit(f"nobody listens on port {port} of this machine: benchmarks need local servers")


@contextlib.asynccontextmanager
async def surroundings(
    infrastructure: Infrastructure, *, hosts: int, actors_per_host: int, cast: Cast | None = None
) -> AsyncIterator[Surroundings]:
    """Run a site with a fresh database and vhost, and a simulated fediverse beside it.

    With a cast its servers behave so once they are told to act.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="heddle-bench-")))
        template = stack.enter_context(template_database(infrastructure.database_url))
        site = Site(
            launch=execute,
            name="bench",
            database_url=stack.enter_context(database(infrastructure.database_url, template)),
            broker_url=stack.enter_context(vhost(infrastructure)),
            folder=folder,
        )
        keys = load_ring(folder / "keys", KEYS)
        population = Population(
            hosts=hosts,
            actors_per_host=actors_per_host,
            port=free_port(),
            keys=keys,
            dead=[number for number in range(hosts) if cast is not None and cast.of(number).dead],
            dead_port=free_port(),
        )
        async with simulated(population, cast) as servers, running(site, SERVICES):
            connection = await asyncpg.connect(site.database_url)
            pids = {service: [process.pid] for service, process in site.processes.items()}
            pids |= {"broker": [listener(site.broker_url)], "database": [listener(site.database_url)]}
            yield Surroundings(site=site, servers=servers, connection=connection, pids=pids)
            await connection.close()


@contextlib.asynccontextmanager
async def simulated(population: Population, cast: Cast | None = None) -> AsyncIterator[SimulatedServers]:
    """Serve a simulated fediverse for the length of a block."""
    servers = SimulatedServers(population, cast=cast, acting=False)
    await servers.start()
    try:
        yield servers
    finally:
        await servers.stop()


async def post(site: Site, token: str, text: str) -> str:
    """Publish a post through the client API; return its URI."""
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session,
        session.post(
            f"{site.processes['platform_gateway'].listen}/api/v1/statuses", data={"status": text}
        ) as answer,
    ):
        answer.raise_for_status()
        return str((await answer.json())["uri"])
