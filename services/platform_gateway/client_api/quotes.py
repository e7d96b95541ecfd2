"""Quotes of a post: who quotes it, who may, and taking consent back."""

from aiohttp import web
from msgspec import Struct

from services.platform_gateway.auth import signed_in, visitor
from services.platform_gateway.client_api.drafts import quote_policy_of
from services.platform_gateway.client_api.lists import answer_marked
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.pagination import PageForm
from services.platform_gateway.parameters import path_id, read
from services.platform_gateway.rendering.statuses import load_status, require_visible
from services.platform_gateway.responses import answer
from shared.actions import quotes
from shared.database.api_quotes import quoting


class PolicyForm(Struct, kw_only=True):
    """Who may quote a post unasked."""

    quote_approval_policy: str = ""


def add_routes(app: web.Application) -> None:
    """Add the routes of this file."""
    app.router.add_get("/api/v1/statuses/{id}/quotes", quoted_by)
    app.router.add_post("/api/v1/statuses/{id}/quotes/{quoting_id}/revoke", revoke)
    app.router.add_put("/api/v1/statuses/{id}/interaction_policy", set_policy)


async def quoted_by(request: web.Request) -> web.Response:
    """GET /api/v1/statuses/{id}/quotes: the posts that quote a post with consent, newest first."""
    viewer = await visitor(request, "read:statuses")
    page = (await read(request, PageForm)).page(20, 40)
    viewer_id = viewer.id if viewer else None
    async with request.app[GATEWAY].pool.acquire() as conn:
        row = await require_visible(conn, path_id(request), viewer_id)
        rows = await quoting(conn, viewer_id, row.uri, page)
        return await answer_marked(request, conn, page, rows, viewer_id)


async def revoke(request: web.Request) -> web.Response:
    """POST /api/v1/statuses/{id}/quotes/{quoting_id}/revoke: answers with the post that quoted."""
    author = (await signed_in(request, "write:statuses")).author
    status_id, quoting_id = path_id(request), path_id(request, "quoting_id")
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        async with conn.transaction():
            await quotes.revoke(conn, author, status_id, quoting_id)
        return answer(await load_status(conn, quoting_id, author.id, gateway.site.uris))


async def set_policy(request: web.Request) -> web.Response:
    """PUT /api/v1/statuses/{id}/interaction_policy: who may quote a post from now on."""
    author = (await signed_in(request, "write:statuses")).author
    form = await read(request, PolicyForm)
    policy = quote_policy_of(form.quote_approval_policy)
    gateway, status_id = request.app[GATEWAY], path_id(request)
    async with gateway.pool.acquire() as conn:
        async with conn.transaction():
            await quotes.set_policy(conn, gateway.site, author, status_id, policy)
        return answer(await load_status(conn, status_id, author.id, gateway.site.uris))
