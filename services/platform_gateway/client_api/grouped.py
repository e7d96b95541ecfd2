"""Notifications in groups (version 2)."""

from collections.abc import Container, Sequence

from aiohttp import web
from msgspec import UNSET, Struct, UnsetType, field

from services.platform_gateway.auth import signed_in
from services.platform_gateway.client_api.notifications import (
    DEFAULT_LIMIT,
    MAX_KINDS,
    MAX_LIMIT,
    UNREAD_DEFAULT,
    UNREAD_MOST,
    Count,
    ListForm,
)
from services.platform_gateway.entities import timestamp
from services.platform_gateway.entities.accounts import Account
from services.platform_gateway.entities.statuses import Status
from services.platform_gateway.errors import invalid, not_found
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.pagination import links
from services.platform_gateway.parameters import path_text, read
from services.platform_gateway.rendering.accounts import load_accounts
from services.platform_gateway.rendering.filtering import without_dropped
from services.platform_gateway.rendering.statuses import load_statuses
from services.platform_gateway.responses import answer, nothing
from shared.database import api_groups
from shared.database.api_groups import GroupRow
from shared.database.authors import Author
from shared.database.pool import Connection
from shared.database.visible import visible_to

_WHOLE, _PARTIAL = "full", "partial_avatars"


class GroupForm(ListForm, kw_only=True):
    """Which notifications are wanted, and which kinds of them in groups."""

    grouped_types: list[str] = field(default_factory=list)
    expand_accounts: str = _WHOLE

    @property
    def grouped(self) -> tuple[str, ...]:
        """The kinds that may stand together."""
        return tuple(self.grouped_types[:MAX_KINDS]) or api_groups.GROUPED


class NotificationGroup(Struct, kw_only=True):
    """https://docs.joinmastodon.org/entities/NotificationGroup/ ; the bounds of a page are those of it."""

    group_key: str
    notifications_count: int
    type: str
    most_recent_notification_id: str
    page_min_id: str | UnsetType = UNSET
    page_max_id: str | UnsetType = UNSET
    latest_page_notification_at: str | UnsetType = UNSET
    sample_account_ids: list[str]
    status_id: str | UnsetType = UNSET


class GroupedNotifications(Struct, kw_only=True):
    """Groups, and what they refer to, each once."""

    accounts: list[Account]
    partial_accounts: list[Account] | UnsetType = UNSET
    statuses: list[Status]
    notification_groups: list[NotificationGroup]


def add_routes(app: web.Application) -> None:
    """Add the routes of this file."""
    app.router.add_get("/api/v2/notifications", several)
    app.router.add_get("/api/v2/notifications/unread_count", unread_count)
    app.router.add_get("/api/v2/notifications/{key}", show)
    app.router.add_post("/api/v2/notifications/{key}/dismiss", dismiss)
    app.router.add_get("/api/v2/notifications/{key}/accounts", accounts)


async def several(request: web.Request) -> web.Response:
    """GET /api/v2/notifications."""
    author = (await signed_in(request, "read:notifications")).author
    form = await read(request, GroupForm)
    if form.expand_accounts not in {_WHOLE, _PARTIAL}:
        raise invalid("expand_accounts is full or partial_avatars")
    page = form.page(DEFAULT_LIMIT, MAX_LIMIT)
    async with request.app[GATEWAY].pool.acquire() as conn:
        rows = await api_groups.groups(conn, author.id, page, form.wanted(), form.grouped)
        found = await _load(request, conn, rows, author)
    if form.expand_accounts == _PARTIAL:
        found.partial_accounts = []
    return answer(found, headers=links(request, page, [row.newest for row in rows]))


async def unread_count(request: web.Request) -> web.Response:
    """GET /api/v2/notifications/unread_count."""
    author = (await signed_in(request, "read:notifications")).author
    form = await read(request, GroupForm)
    most = form.page(UNREAD_DEFAULT, UNREAD_MOST).limit
    async with request.app[GATEWAY].pool.acquire() as conn:
        count = await api_groups.unread_count(conn, author.id, most, form.wanted(), form.grouped)
    return answer(Count(count))


async def show(request: web.Request) -> web.Response:
    """GET /api/v2/notifications/{key}."""
    author = (await signed_in(request, "read:notifications")).author
    async with request.app[GATEWAY].pool.acquire() as conn:
        row = await api_groups.group(conn, author.id, path_text(request, "key"))
        found = await _load(request, conn, [row] if row else [], author)
    if not found.notification_groups:
        raise not_found()
    return answer(found)


async def dismiss(request: web.Request) -> web.Response:
    """POST /api/v2/notifications/{key}/dismiss."""
    author = (await signed_in(request, "write:notifications")).author
    async with request.app[GATEWAY].pool.acquire() as conn:
        await api_groups.dismiss(conn, author.id, path_text(request, "key"))
    return nothing()


async def accounts(request: web.Request) -> web.Response:
    """GET /api/v2/notifications/{key}/accounts: all of a group."""
    author = (await signed_in(request, "read:notifications")).author
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        row = await api_groups.group(conn, author.id, path_text(request, "key"))
        if row is None:
            raise not_found()
        known = await load_accounts(conn, row.actors, gateway.site.uris)
    return answer([known[one] for one in row.actors if one in known])


async def _load(
    request: web.Request, conn: Connection, rows: Sequence[GroupRow], author: Author
) -> GroupedNotifications:
    """Return groups with their accounts and posts; those about what may not be seen are left out."""
    uris = request.app[GATEWAY].site.uris
    people = await load_accounts(conn, [one for row in rows for one in row.actors[: api_groups.SAMPLE]], uris)
    wanted = list(dict.fromkeys(row.status_id for row in rows if row.status_id is not None))
    seen = await visible_to(conn, author.id, wanted)
    posts = await load_statuses(conn, [one for one in wanted if one in seen], author.id, uris)
    posts = await without_dropped(conn, author, posts, "notifications")
    shown = {post.id for post in posts}
    return GroupedNotifications(
        accounts=list(people.values()),
        statuses=posts,
        notification_groups=[
            _group(row, people.keys()) for row in rows if row.status_id is None or str(row.status_id) in shown
        ],
    )


def _group(row: GroupRow, people: Container[int]) -> NotificationGroup:
    return NotificationGroup(
        group_key=row.key,
        notifications_count=row.count,
        type=row.kind,
        most_recent_notification_id=str(row.newest),
        page_min_id=str(row.oldest),
        page_max_id=str(row.newest),
        latest_page_notification_at=timestamp(row.latest_at),
        sample_account_ids=[str(one) for one in row.actors[: api_groups.SAMPLE] if one in people],
        status_id=UNSET if row.status_id is None else str(row.status_id),
    )
