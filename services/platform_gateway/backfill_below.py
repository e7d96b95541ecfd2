"""Threads whose end is not here: the answers to a post of another server are fetched while somebody looks.

Everything is bounded, for the list of answers is whatever its server says it is: posts of one look, posts
from one host, pages, depth, time, looks at once, and how soon a thread is looked through again.
"""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Collection, Sequence

import structlog
from aiohttp import web

from services.platform_gateway.gateway import Gateway
from shared.actions.errors import NotThere
from shared.actions.remote_posts import keep_post
from shared.database import statuses
from shared.database.pool import Connection
from shared.database.statuses import StatusRow
from shared.protocol.errors import Rejected, Unavailable
from shared.protocol.identifiers import PUBLIC, host_of, same_origin
from shared.protocol.objects import Note

log = structlog.get_logger(__name__)

MOST = 24
"""Posts that one look may fetch."""

FROM_ONE_HOST = 8
"""Of these, from one host: a list of answers sends nobody but its own server more than this."""

FROM_OWN_HOST = 24
DEPTH = 3
"""How far below the post answers are looked for where its server has no collection of the whole thread."""

PAGES = 2
LISTED = 200
"""Members of a collection that are looked at."""

DEADLINE = 2.5
"""Seconds that one look waits, everything together."""

REST = 300.0
"""Seconds until the same thread is looked through again."""

REST_AFTER_TIMEOUT = 10.0
AT_ONCE = 16
"""Threads that are being looked through by this process."""

REMEMBERED = 4096
_FETCHES = 6


class BackfillBelow:
    """Completes threads downwards.

    Args:
        gateway: The pool, the site, and the way to other servers.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._under_way: set[int] = set()
        self._rest_until: OrderedDict[int, float] = OrderedDict()

    async def below(self, status_id: int) -> int:
        """Fetch what answers a post of another server; return how many posts came."""
        now = time.monotonic()
        busy = status_id in self._under_way or len(self._under_way) >= AT_ONCE
        if busy or self._rest_until.get(status_id, 0.0) > now:
            return 0
        async with self._gateway.pool.acquire() as conn:
            root = await statuses.by_id(conn, status_id)
        if root is None or root.local or root.deleted_at is not None:
            return 0
        self._rest(status_id, now + REST)
        self._under_way.add(status_id)
        look = _Look(self._gateway, root)
        try:
            async with asyncio.timeout(DEADLINE):
                await look.run()
        except TimeoutError:
            self._rest(status_id, now + REST_AFTER_TIMEOUT)
            log.info("answers_incomplete", reason="timed_out", found=look.found)
        except (Rejected, Unavailable) as error:
            log.info("answers_incomplete", reason=error.reason, found=look.found)
        finally:
            self._under_way.discard(status_id)
        return look.found

    def _rest(self, status_id: int, until: float) -> None:
        self._rest_until[status_id] = until
        self._rest_until.move_to_end(status_id)
        while len(self._rest_until) > REMEMBERED:
            self._rest_until.popitem(last=False)


class _Look:
    """One look through a thread, with what is left of its budget."""

    def __init__(self, gateway: Gateway, root: StatusRow) -> None:
        self._gateway = gateway
        self._root = root
        self._asked: Counter[str] = Counter()
        self._seen: set[str] = {root.uri}
        self._slots = asyncio.Semaphore(_FETCHES)
        self.found = 0

    async def run(self) -> None:
        """Fetch the thread's collection, or else level by level what answers what."""
        post = await self._gateway.resolver.note(self._root.uri)
        if same_origin(post.context, post.id):
            await self._keep(await self._fetch(await self._listed(post.context)))
            return
        level: Sequence[Note] = [post]
        for _ in range(DEPTH):
            listed = [uri for note in level for uri in await self._answers(note)]
            level = await self._keep(await self._fetch(listed))
            if not level:
                return

    async def _answers(self, note: Note) -> Sequence[str]:
        return await self._listed(note.replies) if same_origin(note.replies, note.id) else ()

    async def _listed(self, uri: str) -> Sequence[str]:
        return await self._gateway.resolver.members(uri, pages=PAGES, most=LISTED)

    async def _fetch(self, uris: Sequence[str]) -> list[Note]:
        """Fetch those of these posts that are not here, each from its own server, within the budget."""
        new = [uri for uri in dict.fromkeys(uris) if uri not in self._seen]
        self._seen.update(new)
        async with self._gateway.pool.acquire() as conn:
            known = await statuses.by_uris(conn, new) if new else {}
        wanted = [uri for uri in new if uri not in known and self._affords(uri)]
        notes = await asyncio.gather(*(self._note(uri) for uri in wanted))
        return [note for note in notes if note is not None]

    def _affords(self, uri: str) -> bool:
        host = host_of(uri)
        most = FROM_OWN_HOST if host == host_of(self._root.uri) else FROM_ONE_HOST
        if self._gateway.site.uris.is_local(uri) or self._asked.total() >= MOST or self._asked[host] >= most:
            return False
        self._asked[host] += 1
        return True

    async def _note(self, uri: str) -> Note | None:
        try:
            async with self._slots:
                note = await self._gateway.resolver.note(uri)
        except (Rejected, Unavailable) as error:
            log.info("answer_not_fetched", reason=error.reason)
            return None
        return note if note.id == uri and (PUBLIC in note.to or PUBLIC in note.cc) else None

    async def _keep(self, notes: Sequence[Note]) -> list[Note]:
        """Store what belongs to this thread, parents first; what only is listed as if it did is not kept."""
        kept: list[Note] = []
        waiting = [note for note in notes if note.in_reply_to]
        async with self._gateway.pool.acquire() as conn:
            here = await self._thread(conn, [note.in_reply_to or "" for note in waiting])
            while found := _answering(waiting, here):
                for note in found:
                    waiting.remove(note)
                    here.add(note.id)
                    try:
                        async with conn.transaction():
                            await keep_post(conn, self._gateway.site, note)
                    except NotThere:
                        continue
                    kept.append(note)
                    self.found += 1
        return kept

    async def _thread(self, conn: Connection, uris: Sequence[str]) -> set[str]:
        """Return those of these posts that are in the thread; it may have been joined to another by now."""
        known = await statuses.by_uris(conn, [self._root.uri, *uris])
        thread = known[self._root.uri].conversation_id
        return {uri for uri, row in known.items() if row.conversation_id == thread}


def _answering(waiting: Sequence[Note], here: Collection[str]) -> list[Note]:
    return [note for note in waiting if note.in_reply_to in here]


BACKFILL_BELOW: web.AppKey[BackfillBelow] = web.AppKey("backfill_below", BackfillBelow)
"""`request.app[BACKFILL_BELOW]` in a handler."""
