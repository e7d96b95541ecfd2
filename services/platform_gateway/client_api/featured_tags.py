"""Hashtags on profiles."""

from collections.abc import Sequence

from aiohttp import web
from msgspec import Struct

from services.platform_gateway.auth import signed_in
from services.platform_gateway.client_api.hashtags import tag_entity
from services.platform_gateway.entities.statuses import FeaturedTag
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.parameters import path_id, read
from services.platform_gateway.rendering.accounts import load_account
from services.platform_gateway.responses import answer, nothing
from shared.actions import featured_tags as actions
from shared.database import featured_tags as table
from shared.database.featured_tags import TagUse
from shared.database.pool import Connection
from shared.protocol.local_uris import LocalUris

SUGGESTED = 10


class NameForm(Struct, kw_only=True):
    """Which hashtag, with or without its #."""

    name: str = ""


def add_routes(app: web.Application) -> None:
    """Add the routes of this file."""
    app.router.add_get("/api/v1/featured_tags", own)
    app.router.add_post("/api/v1/featured_tags", feature)
    app.router.add_get("/api/v1/featured_tags/suggestions", suggestions)
    app.router.add_delete("/api/v1/featured_tags/{id}", unfeature)
    app.router.add_get("/api/v1/accounts/{id}/featured_tags", of_account)


async def own(request: web.Request) -> web.Response:
    """GET /api/v1/featured_tags."""
    author = (await signed_in(request, "read:accounts")).author
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        return answer(await _shown(conn, author.id, gateway.site.uris))


async def of_account(request: web.Request) -> web.Response:
    """GET /api/v1/accounts/{id}/featured_tags: of accounts here; what others feature is not read."""
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        await load_account(conn, path_id(request), gateway.site.uris)
        return answer(await _shown(conn, path_id(request), gateway.site.uris))


async def suggestions(request: web.Request) -> web.Response:
    """GET /api/v1/featured_tags/suggestions: what the caller uses most and does not feature."""
    author = (await signed_in(request, "read:accounts")).author
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        shown = {one.tag for one in await table.of_account(conn, author.id)}
        found = [one.tag for one in await table.uses(conn, author.id) if one.tag not in shown]
    return answer([tag_entity(tag, (), gateway.site.uris) for tag in found[:SUGGESTED]])


async def feature(request: web.Request) -> web.Response:
    """POST /api/v1/featured_tags."""
    author = (await signed_in(request, "write:accounts")).author
    form = await read(request, NameForm)
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn, conn.transaction():
        made = await actions.feature(conn, gateway.site, author, form.name)
        shown = await _shown(conn, author.id, gateway.site.uris)
    return answer(next(one for one in shown if one.id == str(made.id)))


async def unfeature(request: web.Request) -> web.Response:
    """DELETE /api/v1/featured_tags/{id}."""
    author = (await signed_in(request, "write:accounts")).author
    async with request.app[GATEWAY].pool.acquire() as conn:
        await actions.unfeature(conn, author, path_id(request))
    return nothing()


async def _shown(conn: Connection, account_id: int, uris: LocalUris) -> Sequence[FeaturedTag]:
    shown = await table.of_account(conn, account_id)
    used = {use.tag: use for use in await table.uses(conn, account_id)} if shown else {}
    return [_entity(one, used.get(one.tag), uris) for one in shown]


def _entity(one: table.FeaturedTag, use: TagUse | None, uris: LocalUris) -> FeaturedTag:
    return FeaturedTag(
        id=str(one.id),
        name=one.name,
        url=uris.tag_page(one.tag),
        statuses_count=str(use.posts if use else 0),
        last_status_at=use.last_at.date().isoformat() if use else None,
    )
