"""Followers synchronisation (FEP-8fcf): what senders say of their followers here is compared and repaired.

A difference costs its server one list, read at most once an hour and actor, a minute after it was told. The
list is read where the actor is at home, by the guarded client, up to a bound; one that does not fit into it
repairs nothing.
"""

import asyncio
import contextlib
from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Final

import structlog

from shared.actions.repairs import repair_followers
from shared.actions.site import Site
from shared.database import follower_digests
from shared.database.follower_digests import Repair
from shared.database.pool import Connection, Pool, unavailable_when_down
from shared.protocol.errors import Rejected, Unavailable
from shared.protocol.identifiers import same_origin
from shared.protocol.messages import AcceptedActivity, ReceivedRequest
from shared.protocol.synchronization import HEADER, Synchronization, read_synchronization
from shared.resolution import Resolver
from shared.telemetry import metrics

log = structlog.get_logger(__name__)

DELAY: Final = timedelta(minutes=1)
"""What is on its way in both directions arrives first."""

REST: Final = timedelta(hours=1)
"""How soon the followers of one actor are compared again."""

KEPT: Final = timedelta(days=8)
LEASE: Final = timedelta(minutes=5)
EVERY = 15.0
"""Seconds between two looks for what is due."""

AT_ONCE: Final = 8
"""Repairs at once, each of another domain."""

PAGES: Final = 10
MOST: Final = 10_000
"""Pages and members of a list that are read."""

_HEADER: Final = HEADER.lower()


class Comparison:
    """Compares what senders say with what is known here.

    Args:
        pool: The database.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def look_at(self, pairs: Iterable[tuple[ReceivedRequest, AcceptedActivity]]) -> None:
        """Have differences looked into; raises Unavailable.

        Only what the actor signed counts: headers that no signature covers do not come this far.
        """
        said = {
            one.activity.actor: told
            for request, one in pairs
            if (told := _told(request)) is not None and same_origin(told.url, one.activity.actor)
        }
        if not said:
            return
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                differing = await follower_digests.differing(conn, list(said.items()))
                wanted = [(actor_id, said[uri].url) for uri, actor_id in differing]
                if wanted:
                    await follower_digests.ask_for_repair(conn, wanted, delay=DELAY, rest=REST)
        metrics.follower_digests.labels("same").inc(len(said) - len(differing))
        metrics.follower_digests.labels("differing").inc(len(differing))


def _told(request: ReceivedRequest) -> Synchronization | None:
    values = [value for name, value in request.headers if name == _HEADER]
    return read_synchronization(values[0]) if len(values) == 1 else None


class Repairs:
    """Reads the lists behind differences and puts right what they show.

    Args:
        pool: The database.
        resolver: Reads the lists.
        site: This site.
    """

    def __init__(self, pool: Pool, resolver: Resolver, site: Site) -> None:
        self._pool = pool
        self._resolver = resolver
        self._site = site

    async def run(self, stopping: asyncio.Event) -> None:
        """Repair what is due until told to stop."""
        while not stopping.is_set():
            try:
                while await self.once() and not stopping.is_set():
                    continue
            except Unavailable as error:
                log.warning("repairs_wait", reason=error.reason)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), EVERY)

    async def once(self) -> int:
        """Repair some of what is due and return how many actors that were; raises Unavailable."""
        with unavailable_when_down():
            async with self._pool.acquire() as conn:
                due = await follower_digests.take_due(conn, AT_ONCE, lease=LEASE)
                await follower_digests.forget_done(conn, KEPT)
        await asyncio.gather(*(self._repair(one) for one in due))
        return len(due)

    async def _repair(self, repair: Repair) -> None:
        try:
            listed = await self._resolver.members(repair.url, pages=PAGES, most=MOST)
        except (Rejected, Unavailable) as error:
            log.info("followers_not_compared", actor=repair.actor_uri, reason=error.reason)
            metrics.follower_repairs.labels(error.reason).inc()
            listed = None
        if listed is not None and len(listed) == MOST:
            # Who is missing from a part of a list may be in the rest of it.
            log.info("followers_not_compared", actor=repair.actor_uri, reason="list_too_long")
            metrics.follower_repairs.labels("list_too_long").inc()
            listed = None
        with unavailable_when_down():
            async with self._pool.acquire() as conn, conn.transaction():
                if listed is not None:
                    await self._put_right(conn, repair, listed)
                await follower_digests.finish(conn, repair.actor_id)

    async def _put_right(self, conn: Connection, repair: Repair, listed: Collection[str]) -> None:
        ours = {uri for uri in listed if self._site.uris.is_local(uri)}
        done = await repair_followers(conn, self._site, repair.actor_id, ours)
        metrics.follower_repairs.labels("repaired" if any(done) else "nothing_to_do").inc()
        ended, let_in, disowned = done
        log.info("followers_compared", actor=repair.actor_uri, ended=ended, let_in=let_in, disowned=disowned)
