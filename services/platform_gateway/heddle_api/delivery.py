"""Where a post of one's own went, and who confirmed that it is deleted."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Literal

from aiohttp import web
from msgspec import Meta, Struct

from services.platform_gateway.auth import signed_in
from services.platform_gateway.errors import not_found
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.parameters import path_id, read
from services.platform_gateway.responses import answer
from shared.database import delivery_reports, retention
from shared.database.deliveries import State
from shared.database.delivery_reports import DeliveryReport, OwnPost, Sum
from shared.database.pool import Connection

StateName = Literal["", "queued", "delivered", "parked", "dead", "superseded"]

_TAKING_BACK = ("Delete", "Undo")


class DeliveryQuery(Struct, kw_only=True):
    """Which deliveries are listed; the sums are always of all."""

    state: StateName = ""
    host: str = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 200


class Delivery(Struct, kw_only=True):
    """One inbox: `next_try_at` only while it is parked, `status` only once it has answered."""

    host: str
    inbox: str
    shared: bool
    state: str
    attempts: int
    status: int | None
    reason: str
    next_try_at: datetime | None
    updated_at: datetime


class SentActivity(Struct, kw_only=True):
    """One activity: `states` sums to `total`, which is final once `planned_at` is set."""

    uri: str
    type: str
    created_at: datetime
    planned_at: datetime | None
    total: int
    states: dict[str, int]
    deliveries: list[Delivery]


class DeliveryView(Struct, kw_only=True):
    """All that was sent about a post, oldest first.

    `let_go` counts inboxes of which only that is known still: they were told, long ago.
    """

    id: str
    uri: str
    deleted_at: datetime | None
    let_go: int
    activities: list[SentActivity]


class Retried(Struct, kw_only=True):
    """How many deliveries are tried again now."""

    retried: int


def add_routes(app: web.Application) -> None:
    """Add the routes of this file."""
    app.router.add_get("/api/heddle/v1/statuses/{id}/delivery", show_delivery)
    app.router.add_post("/api/heddle/v1/statuses/{id}/delivery/retry", retry_delivery)
    app.router.add_get("/api/heddle/v1/deletions/{id}/receipts", show_receipts)


async def show_delivery(request: web.Request) -> web.Response:
    """GET /api/heddle/v1/statuses/{id}/delivery: per inbox state, attempts, last answer and next try."""
    query = await read(request, DeliveryQuery)
    gateway = request.app[GATEWAY]
    caller = await signed_in(request, "read:statuses")
    async with gateway.pool.acquire() as conn:
        post = await _own_post(conn, request, caller.author.id)
        return answer(await _view(conn, post, query))


async def retry_delivery(request: web.Request) -> web.Response:
    """POST /api/heddle/v1/statuses/{id}/delivery/retry: what is parked or was given up is due now."""
    gateway = request.app[GATEWAY]
    caller = await signed_in(request, "write:statuses")
    async with gateway.pool.acquire() as conn, conn.transaction():
        post = await _own_post(conn, request, caller.author.id)
        return answer(Retried(retried=await delivery_reports.retry(conn, post.uri)))


async def show_receipts(request: web.Request) -> web.Response:
    """GET /api/heddle/v1/deletions/{id}/receipts: the same of the deletion of a post or boost."""
    query = await read(request, DeliveryQuery)
    gateway = request.app[GATEWAY]
    caller = await signed_in(request, "read:statuses")
    async with gateway.pool.acquire() as conn:
        post = await _own_post(conn, request, caller.author.id)
        if post.deleted_at is None:
            raise not_found()
        return answer(await _view(conn, post, query, only=_TAKING_BACK))


async def _own_post(conn: Connection, request: web.Request, author_id: int) -> OwnPost:
    """Return a post or boost of the caller, deleted or not; of others this is nobody's business."""
    post = await delivery_reports.own_post(conn, path_id(request), author_id)
    if post is None:
        raise not_found()
    return post


async def _view(
    conn: Connection, post: OwnPost, query: DeliveryQuery, only: Collection[str] = ()
) -> DeliveryView:
    state = State[query.state.upper()] if query.state else None
    sums = await delivery_reports.sums_about(conn, post.uri)
    listed = await delivery_reports.some_about(
        conn, post.uri, types=list(only), state=state, host=query.host, limit=query.limit
    )
    chosen = [one for one in sums if not only or one.sent.type in only]
    return DeliveryView(
        id=str(post.id),
        uri=post.uri,
        deleted_at=post.deleted_at,
        let_go=await retention.count_told(conn, post.uri),
        activities=[_activity(one, listed) for one in chosen],
    )


def _activity(one: Sum, listed: Collection[DeliveryReport]) -> SentActivity:
    own = [each for each in listed if each.activity_uri == one.sent.activity_uri]
    return SentActivity(
        uri=one.sent.activity_uri,
        type=one.sent.type,
        created_at=one.sent.created_at,
        planned_at=one.sent.planned_at,
        total=sum(one.states.values()),
        states={state.name.lower(): one.states.get(state, 0) for state in State},
        deliveries=[_delivery(each) for each in own],
    )


def _delivery(report: DeliveryReport) -> Delivery:
    return Delivery(
        host=report.host,
        inbox=report.inbox,
        shared=report.shared,
        state=report.state.name.lower(),
        attempts=report.attempts,
        status=report.status,
        reason=report.reason,
        next_try_at=report.next_try_at,
        updated_at=report.updated_at,
    )
