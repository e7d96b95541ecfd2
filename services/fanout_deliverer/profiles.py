"""Asks the servers we deliver to which software they run: seldom, few at a time, beside the deliveries."""

import asyncio

import structlog

from shared.database import peer_profiles
from shared.database.peer_profiles import Unprofiled
from shared.database.pool import Pool, unavailable_when_down
from shared.protocol.errors import Rejected, Unavailable
from shared.protocol.identifiers import host_of, origin_of
from shared.protocol.reader import read_nodeinfo, read_nodeinfo_links
from shared.remote.client import GuardedClient
from shared.remote.documents import fetch_json

log = structlog.get_logger(__name__)

EVERY = 10.0
"""Seconds between two rounds."""

AT_ONCE = 4
"""Servers that are asked in one round."""


class LinkElsewhere(Rejected):
    """A server says that its NodeInfo is on another one: what that says, anybody could have said."""

    reason = "nodeinfo_elsewhere"


class Profiles:
    """Keeps the profiles of servers up to date.

    Args:
        pool: Where they are.
        client: Asks.
    """

    def __init__(self, pool: Pool, client: GuardedClient) -> None:
        self._pool = pool
        self._client = client

    async def run(self) -> None:
        """Ask, a few every now and then, until cancelled."""
        while True:
            try:
                await self.round()
            except Unavailable as outage:
                log.warning("profiles_not_looked_for", reason=outage.reason)
            except Exception:
                log.exception("profiles_not_looked_for")
            await asyncio.sleep(EVERY)

    async def round(self) -> int:
        """Ask those servers that are due; return how many. Raises Unavailable for the database."""
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                due = await peer_profiles.take_due(conn, AT_ONCE)
        await asyncio.gather(*(self._ask(one) for one in due))
        return len(due)

    async def _ask(self, one: Unprofiled) -> None:
        origin = origin_of(one.inbox)
        try:
            links = await fetch_json(self._client, f"{origin}/.well-known/nodeinfo")
            address = read_nodeinfo_links(links.body)
            if host_of(address) != host_of(origin):
                raise LinkElsewhere(address[:200])
            found = read_nodeinfo((await fetch_json(self._client, address)).body)
        except (Rejected, Unavailable) as error:
            # The next time is as far away as if it had answered: it may not have any.
            log.info("software_unknown", host=one.host, reason=error.reason)
            return
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                await peer_profiles.note_software(conn, one.host, found.software, found.version)
        log.info("software_known", host=one.host, software=found.software, version=found.version)
