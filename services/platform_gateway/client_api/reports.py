"""Reports to the operators."""

from datetime import UTC, datetime

from aiohttp import web
from msgspec import Struct

from services.platform_gateway.auth import signed_in
from services.platform_gateway.entities import timestamp
from services.platform_gateway.entities.reports import Report
from services.platform_gateway.errors import invalid
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.parameters import Id, read
from services.platform_gateway.rendering.accounts import load_account
from services.platform_gateway.responses import answer
from shared.actions.reports import MAX_COMMENT, MAX_POSTS, Complaint, report

_CATEGORIES = frozenset({"spam", "legal", "violation", "other"})


class ReportForm(Struct, kw_only=True):
    """Who is reported, and what for."""

    account_id: Id | None = None
    status_ids: list[Id] = []
    comment: str = ""
    category: str = "other"
    rule_ids: list[str] = []
    forward: bool = False


def add_routes(app: web.Application) -> None:
    """Add the routes of this file."""
    for path in ("/api/v1/reports", "/api/v1/reports/"):
        app.router.add_post(path, create)


async def create(request: web.Request) -> web.Response:
    """POST /api/v1/reports."""
    author = (await signed_in(request, "write:reports")).author
    form = await read(request, ReportForm)
    complaint = _complaint(form)
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        async with conn.transaction():
            made = await report(conn, gateway.site, author, complaint)
        target = await load_account(conn, made.target_id, gateway.site.uris)
    return answer(
        Report(
            id=str(made.id),
            category=made.category,
            comment=made.comment,
            forwarded=made.forwarded,
            created_at=timestamp(datetime.now(UTC)),
            status_ids=[str(status_id) for status_id in complaint.status_ids],
            target_account=target,
        )
    )


def _complaint(form: ReportForm) -> Complaint:
    if form.account_id is None:
        raise invalid("Account can't be blank")
    if len(form.comment) > MAX_COMMENT:
        raise invalid(f"Comment is too long (maximum is {MAX_COMMENT} characters)")
    if form.category not in _CATEGORIES:
        raise invalid("Category is not included in the list")
    if form.category == "violation" or form.rule_ids:
        raise invalid("There are no rules that could be named")
    posts = tuple(dict.fromkeys(form.status_ids))
    if len(posts) > MAX_POSTS:
        raise invalid(f"At most {MAX_POSTS} posts at once")
    return Complaint(
        target_id=form.account_id,
        status_ids=posts,
        comment=form.comment.strip(),
        category=form.category,
        forward=form.forward,
    )
