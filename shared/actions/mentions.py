"""Who is meant by the handles in a text: known ones at once, others by asking their servers for a moment."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

import structlog

from shared.actions.site import Site
from shared.database.actors import ActorRow
from shared.database.handles import MentionedRow, actors_by_handles
from shared.database.pool import Pool
from shared.protocol.errors import Rejected, Unavailable
from shared.protocol.text import scan

log = structlog.get_logger(__name__)

Resolve = Callable[[str], Awaitable[ActorRow]]
"""Finds the actor that goes by `user@host`, on its own server if need be."""

DEADLINE = 2.5
"""Seconds that a post waits for other servers, all mentions together."""

MAX_MENTIONS = 50
MAX_LOOKUPS = 10

Mentioned = Mapping[str, MentionedRow]
"""Whom the handles mean, by handle as the text scanner gives it."""


async def resolve_mentions(pool: Pool, site: Site, resolve: Resolve | None, text: str) -> Mentioned:
    """Return whom the handles in a text mean; one whose server does not tell in time stays plain text.

    Holds no connection while it waits for others.
    """
    handles = scan(text).mentions[:MAX_MENTIONS]
    if not handles:
        return {}
    known = await _known(pool, site, handles)
    missing = [handle for handle in handles if handle not in known and not _is_local(site, handle)]
    if resolve is None or not missing:
        return known
    await _ask(resolve, missing[:MAX_LOOKUPS])
    return {**known, **await _known(pool, site, missing)}


async def _known(pool: Pool, site: Site, handles: Collection[str]) -> dict[str, MentionedRow]:
    wanted = {handle: _parts(site, handle) for handle in handles}
    async with pool.acquire() as conn:
        rows = await actors_by_handles(conn, set(wanted.values()))
    return {handle: rows[parts] for handle, parts in wanted.items() if parts in rows}


def _parts(site: Site, handle: str) -> tuple[str, str]:
    name, _, host = handle.partition("@")
    domain = site.uris.account_domain if host in {"", site.uris.host} else host
    return name, domain


def _is_local(site: Site, handle: str) -> bool:
    return _parts(site, handle)[1] == site.uris.account_domain


async def _ask(resolve: Resolve, handles: Collection[str]) -> None:
    tasks = [asyncio.create_task(_ask_one(resolve, handle)) for handle in handles]
    _, late = await asyncio.wait(tasks, timeout=DEADLINE)
    for task in late:
        task.cancel()
    if late:
        log.info("mentions_unresolved", late=len(late))


async def _ask_one(resolve: Resolve, handle: str) -> None:
    try:
        await resolve(handle)
    except (Rejected, Unavailable) as error:
        log.info("mention_unresolved", handle=handle, reason=error.reason)
