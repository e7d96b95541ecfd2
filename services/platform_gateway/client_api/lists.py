"""How lists are answered: accounts or posts, in order, with links to the pages around."""

from collections.abc import Sequence

from aiohttp import web
from msgspec import Raw

from services.platform_gateway.auth import reader_of
from services.platform_gateway.entities.statuses import Status
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.pagination import links
from services.platform_gateway.rendering.accounts import load_accounts
from services.platform_gateway.rendering.filtering import filters_of
from services.platform_gateway.responses import answer
from shared.database.api_relations import Listed
from shared.database.api_timelines import Marked
from shared.database.paging import Page
from shared.database.pool import Connection


async def answer_statuses(
    request: web.Request,
    conn: Connection,
    page: Page,
    ids: Sequence[int],
    viewer_id: int | None,
) -> web.Response:
    """Answer a page of posts that is sorted by their own ids."""
    statuses = await _shown(request, conn, ids, viewer_id)
    return answer(statuses, headers=links(request, page, ids))


async def answer_marked(
    request: web.Request, conn: Connection, page: Page, rows: Sequence[Marked], viewer_id: int | None
) -> web.Response:
    """Answer a page of posts that is sorted by when they were marked."""
    statuses = await _shown(request, conn, [row.status_id for row in rows], viewer_id)
    return answer(statuses, headers=links(request, page, [row.cursor for row in rows]))


async def _shown(
    request: web.Request, conn: Connection, ids: Sequence[int], viewer_id: int | None
) -> Sequence[Status | Raw]:
    """Return posts as they are shown, with what the reader's filters say of them."""
    kept, uris = request.app[GATEWAY].kept, request.app[GATEWAY].site.uris
    filters = await filters_of(conn, reader_of(request))
    if filters is None:
        return await kept.load(conn, ids, viewer_id, uris)
    statuses = await kept.entities(conn, ids, viewer_id, uris)
    await filters.mark(statuses)
    return statuses


async def answer_accounts(
    request: web.Request, conn: Connection, page: Page, rows: Sequence[Listed]
) -> web.Response:
    """Answer a page of accounts that is sorted by what put them there."""
    uris = request.app[GATEWAY].site.uris
    known = await load_accounts(conn, [row.actor_id for row in rows], uris)
    accounts = [known[row.actor_id] for row in rows if row.actor_id in known]
    return answer(accounts, headers=links(request, page, [row.cursor for row in rows]))
