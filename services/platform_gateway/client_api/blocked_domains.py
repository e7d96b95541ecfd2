"""Servers that the caller does not want to hear from."""

from aiohttp import web
from msgspec import Struct

from services.platform_gateway.auth import signed_in
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.pagination import PageForm, links
from services.platform_gateway.parameters import read
from services.platform_gateway.responses import answer, nothing
from shared.actions import domain_blocks
from shared.database import account_domain_blocks as table

DEFAULT_LIMIT, MAX_LIMIT = 100, 200


class DomainForm(Struct, kw_only=True):
    """Which server."""

    domain: str = ""

    @property
    def name(self) -> str:
        """The domain as it is stored."""
        return self.domain.strip().lower()[:253]


def add_routes(app: web.Application) -> None:
    """Add the routes of this file."""
    app.router.add_get("/api/v1/domain_blocks", several)
    app.router.add_post("/api/v1/domain_blocks", block)
    app.router.add_delete("/api/v1/domain_blocks", unblock)


async def several(request: web.Request) -> web.Response:
    """GET /api/v1/domain_blocks."""
    author = (await signed_in(request, "read:blocks")).author
    page = (await read(request, PageForm)).page(DEFAULT_LIMIT, MAX_LIMIT)
    async with request.app[GATEWAY].pool.acquire() as conn:
        rows = await table.of_account(conn, author.id, page)
    return answer([row.domain for row in rows], headers=links(request, page, [row.cursor for row in rows]))


async def block(request: web.Request) -> web.Response:
    """POST /api/v1/domain_blocks."""
    author = (await signed_in(request, "write:blocks")).author
    form, gateway = await read(request, DomainForm), request.app[GATEWAY]
    async with gateway.pool.acquire() as conn, conn.transaction():
        await domain_blocks.block(conn, gateway.site, author, form.name)
    return nothing()


async def unblock(request: web.Request) -> web.Response:
    """DELETE /api/v1/domain_blocks."""
    author = (await signed_in(request, "write:blocks")).author
    form = await read(request, DomainForm)
    async with request.app[GATEWAY].pool.acquire() as conn, conn.transaction():
        await domain_blocks.unblock(conn, author, form.name)
    return nothing()
