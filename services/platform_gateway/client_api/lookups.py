"""Finding one thing by its name: a handle or a URL, here first, then on its own server."""

import structlog
from msgspec import Struct

from services.platform_gateway.gateway import Gateway
from shared.actions.remote_posts import keep_post
from shared.database import actors, statuses
from shared.database.actors import ActorRow
from shared.database.api_actors import actor_by_handle
from shared.database.authors import Author
from shared.database.pool import Connection
from shared.database.visible import visible_to
from shared.protocol.errors import Rejected, Unavailable
from shared.protocol.local_uris import LocalUris

log = structlog.get_logger(__name__)


class Hit(Struct):
    """What a URL stands for."""

    accounts: list[int]
    statuses: list[int]


async def find_handle(gateway: Gateway, name: str, domain: str, *, resolve: bool) -> int | None:
    """Return the account `name@domain`; with `resolve`, asked of its server where it is not known."""
    uris = gateway.site.uris
    domain = domain.lower()
    local = domain in {uris.account_domain, uris.host}
    async with gateway.pool.acquire() as conn:
        known = await actor_by_handle(conn, name, uris.account_domain if local else domain)
    if known is not None:
        return known.id
    if local or not resolve:
        return None
    try:
        return (await gateway.resolver.acct(f"{name}@{domain}")).id
    except (Rejected, Unavailable) as error:
        log.info("search_unresolved", what="handle", host=domain, reason=error.reason)
        return None


async def find_url(gateway: Gateway, url: str, viewer: Author | None, *, resolve: bool) -> Hit:
    """Return what stands behind a URL, an id or the address of a page, as far as the viewer may see it."""
    async with gateway.pool.acquire() as conn:
        hit = await _known(conn, gateway.site.uris, url)
    if hit is None and resolve and viewer is not None and not gateway.site.uris.is_local(url):
        hit = await _fetched(gateway, url)
    if hit is None:
        return Hit([], [])
    async with gateway.pool.acquire() as conn:
        seen = await visible_to(conn, viewer.id if viewer else None, hit.statuses)
    return Hit(hit.accounts, [one for one in hit.statuses if one in seen])


async def _known(conn: Connection, uris: LocalUris, url: str) -> Hit | None:
    actor = await actors.by_uri(conn, url)
    if actor is not None:
        return Hit([] if actor.gone else [actor.id], [])
    status = await statuses.by_uri(conn, url)
    if status is not None:
        return Hit([], [status.id])
    return await _own_page(conn, uris, url)


async def _own_page(conn: Connection, uris: LocalUris, url: str) -> Hit | None:
    """Return what one of our own pages for people shows."""
    prefix = f"{uris.origin}/@"
    name, _, digits = url.removeprefix(prefix).rstrip("/").partition("/")
    if not url.startswith(prefix):
        return None
    if digits:
        status_id = uris.status_id(uris.status(0)[:-1] + digits)
        return None if status_id is None else Hit([], [status_id])
    actor = await actor_by_handle(conn, name, uris.account_domain)
    return None if actor is None else Hit([actor.id], [])


async def _fetched(gateway: Gateway, url: str) -> Hit | None:
    try:
        found = await gateway.resolver.look_up(url)
        if isinstance(found, ActorRow):
            return Hit([found.id], [])
        async with gateway.pool.acquire() as conn, conn.transaction():
            return Hit([], [await keep_post(conn, gateway.site, found)])
    except (Rejected, Unavailable) as error:
        log.info("search_unresolved", what="url", url=url[:200], reason=error.reason)
        return None
