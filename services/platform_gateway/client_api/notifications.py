"""Notifications, one by one."""

from collections.abc import Sequence

from aiohttp import web
from msgspec import UNSET, Struct, field

from services.platform_gateway.auth import signed_in
from services.platform_gateway.entities import timestamp
from services.platform_gateway.entities.statuses import Notification
from services.platform_gateway.errors import not_found
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.pagination import PageForm, links
from services.platform_gateway.parameters import Id, path_id, read
from services.platform_gateway.rendering.accounts import load_accounts
from services.platform_gateway.rendering.filtering import Filters, filters_of
from services.platform_gateway.rendering.statuses import load_statuses
from services.platform_gateway.responses import answer, nothing
from shared.database import api_notifications
from shared.database.api_groups import key_of
from shared.database.api_notifications import NotificationFilter, NotificationRow
from shared.database.pool import Connection
from shared.database.visible import visible_to
from shared.protocol.local_uris import LocalUris

DEFAULT_LIMIT, MAX_LIMIT = 40, 80
UNREAD_DEFAULT, UNREAD_MOST = 100, 1000
MAX_KINDS = 50


class ListForm(PageForm, kw_only=True):
    """Which notifications are wanted."""

    types: list[str] = field(default_factory=list)
    exclude_types: list[str] = field(default_factory=list)
    account_id: Id | None = None

    def wanted(self) -> NotificationFilter:
        """Return the filter that the parameters mean."""
        return NotificationFilter(
            kinds=tuple(self.types[:MAX_KINDS]),
            excluded=tuple(self.exclude_types[:MAX_KINDS]),
            actor_id=self.account_id,
        )


class DismissForm(Struct, kw_only=True):
    """The notification to put away, where it does not stand in the path."""

    id: Id = 0


class Count(Struct):
    """How many there are."""

    count: int


def add_routes(app: web.Application) -> None:
    """Add the routes of this file."""
    app.router.add_get("/api/v1/notifications", several)
    app.router.add_get("/api/v1/notifications/unread_count", unread_count)
    app.router.add_post("/api/v1/notifications/clear", clear)
    app.router.add_post("/api/v1/notifications/dismiss", dismiss_named)
    app.router.add_get("/api/v1/notifications/{id:[0-9]+}", show)
    app.router.add_post("/api/v1/notifications/{id}/dismiss", dismiss)


async def several(request: web.Request) -> web.Response:
    """GET /api/v1/notifications."""
    author = (await signed_in(request, "read:notifications")).author
    form = await read(request, ListForm)
    page = form.page(DEFAULT_LIMIT, MAX_LIMIT)
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        rows = await api_notifications.notifications(conn, author.id, page, form.wanted())
        entities = await load_notifications(
            conn, rows, author.id, gateway.site.uris, await filters_of(conn, author)
        )
    return answer(entities, headers=links(request, page, [row.id for row in rows]))


async def show(request: web.Request) -> web.Response:
    """GET /api/v1/notifications/{id}."""
    author = (await signed_in(request, "read:notifications")).author
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        row = await api_notifications.notification(conn, author.id, path_id(request))
        entities = await load_notifications(
            conn, [row] if row else [], author.id, gateway.site.uris, await filters_of(conn, author)
        )
    if not entities:
        raise not_found()
    return answer(entities[0])


async def unread_count(request: web.Request) -> web.Response:
    """GET /api/v1/notifications/unread_count."""
    author = (await signed_in(request, "read:notifications")).author
    form = await read(request, ListForm)
    most = form.page(UNREAD_DEFAULT, UNREAD_MOST).limit
    async with request.app[GATEWAY].pool.acquire() as conn:
        return answer(Count(await api_notifications.unread_count(conn, author.id, most, form.wanted())))


async def clear(request: web.Request) -> web.Response:
    """POST /api/v1/notifications/clear."""
    author = (await signed_in(request, "write:notifications")).author
    async with request.app[GATEWAY].pool.acquire() as conn:
        await api_notifications.clear_notifications(conn, author.id)
    return nothing()


async def dismiss(request: web.Request) -> web.Response:
    """POST /api/v1/notifications/{id}/dismiss."""
    return await _dismiss(request, path_id(request))


async def dismiss_named(request: web.Request) -> web.Response:
    """POST /api/v1/notifications/dismiss, as older clients ask."""
    return await _dismiss(request, (await read(request, DismissForm)).id)


async def _dismiss(request: web.Request, notification_id: int) -> web.Response:
    author = (await signed_in(request, "write:notifications")).author
    async with request.app[GATEWAY].pool.acquire() as conn:
        await api_notifications.dismiss_notifications(conn, author.id, [notification_id])
    return nothing()


async def load_notifications(
    conn: Connection,
    rows: Sequence[NotificationRow],
    account_id: int,
    uris: LocalUris,
    filters: Filters | None,
) -> list[Notification]:
    """Return notifications with their accounts and posts; those about what is not to be seen are left out."""
    accounts = await load_accounts(conn, [row.actor_id for row in rows], uris)
    wanted = [row.status_id for row in rows if row.status_id is not None]
    seen = await visible_to(conn, account_id, wanted)
    statuses = await load_statuses(conn, [one for one in wanted if one in seen], account_id, uris)
    if filters is not None:
        await filters.mark(statuses)
        statuses = [one for one in statuses if not filters.drops(one, "notifications", account_id)]
    by_id = {status.id: status for status in statuses}
    return [
        Notification(
            id=str(row.id),
            type=row.kind,
            created_at=timestamp(row.created_at),
            group_key=key_of(row.kind, row.status_id, row.id),
            account=accounts[row.actor_id],
            status=UNSET if row.status_id is None else by_id[str(row.status_id)],
        )
        for row in rows
        if row.actor_id in accounts and (row.status_id is None or str(row.status_id) in by_id)
    ]
