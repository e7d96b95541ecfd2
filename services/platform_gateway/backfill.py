"""Threads whose beginning is not here: the posts above are fetched while somebody looks, within a budget."""

import asyncio

import structlog
from aiohttp import web

from services.platform_gateway.gateway import Gateway
from shared.actions.remote_posts import keep_post
from shared.database import statuses
from shared.database.api_threads import missing_parent
from shared.protocol.errors import Rejected, Unavailable

log = structlog.get_logger(__name__)

MOST = 8
"""Posts that one look may fetch; the guarded client counts them against their domain's budget, too."""

DEADLINE = 2.5
"""Seconds that one look waits for other servers, all posts together."""

DEEPEST = 64
"""Posts above one that are known already: who makes threads without a beginning gets no further."""

AT_ONCE = 16
"""Threads that are being completed by this process."""


class Backfill:
    """Completes threads upwards.

    Args:
        gateway: The pool, the site, and the way to other servers.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._under_way: set[int] = set()

    async def above(self, status_id: int, depth: int) -> int:
        """Fetch what a post answers, and what that answers; return how many posts came.

        Args:
            status_id: The topmost post of its thread that is here.
            depth: How many posts are known above the one that is looked at.
        """
        if depth >= DEEPEST or status_id in self._under_way or len(self._under_way) >= AT_ONCE:
            return 0
        found: list[int] = []
        self._under_way.add(status_id)
        try:
            async with asyncio.timeout(DEADLINE):
                await self._walk(status_id, min(MOST, DEEPEST - depth), found)
        except TimeoutError:
            log.info("thread_incomplete", reason="timed_out", found=len(found))
        except (Rejected, Unavailable) as error:
            log.info("thread_incomplete", reason=error.reason, found=len(found))
        finally:
            self._under_way.discard(status_id)
        return len(found)

    async def _walk(self, status_id: int, most: int, found: list[int]) -> None:
        top = status_id
        while len(found) < most:
            parent = await self._parent_of(top)
            if parent is None:
                return
            found.append(parent)
            top = parent

    async def _parent_of(self, status_id: int) -> int | None:
        pool, site = self._gateway.pool, self._gateway.site
        async with pool.acquire() as conn:
            uri = await missing_parent(conn, status_id)
            if uri is None or site.uris.is_local(uri) or await statuses.by_uri(conn, uri) is not None:
                return None
        note = await self._gateway.resolver.note(uri)
        if note.id != uri:
            return None
        async with pool.acquire() as conn, conn.transaction():
            return await keep_post(conn, site, note)


BACKFILL: web.AppKey[Backfill] = web.AppKey("backfill", Backfill)
"""`request.app[BACKFILL]` in a handler."""
