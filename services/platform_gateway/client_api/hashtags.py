"""Hashtags on their own."""

from collections.abc import Sequence

from aiohttp import web

from services.platform_gateway.auth import signed_in, visitor
from services.platform_gateway.entities.statuses import Tag, TagHistory
from services.platform_gateway.errors import not_found
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.pagination import PageForm, links
from services.platform_gateway.parameters import path_text, read
from services.platform_gateway.responses import answer
from shared.actions import hashtags as actions
from shared.database import tag_follows
from shared.database.api_instance import Day, tag_days
from shared.protocol.local_uris import LocalUris
from shared.protocol.text import normalise_tag, scan

DEFAULT_LIMIT, MAX_LIMIT = 100, 200


def add_routes(app: web.Application) -> None:
    """Add the routes of this file."""
    app.router.add_get("/api/v1/tags/{tag}", show)
    app.router.add_post("/api/v1/tags/{tag}/follow", follow)
    app.router.add_post("/api/v1/tags/{tag}/unfollow", unfollow)
    app.router.add_get("/api/v1/followed_tags", followed)


async def show(request: web.Request) -> web.Response:
    """GET /api/v1/tags/{tag}: a hashtag and its use in the last seven days."""
    viewer = await visitor(request)
    tag, gateway = _wanted(request), request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        days = await tag_days(conn, tag)
        followed = viewer is not None and await tag_follows.followed_among(conn, viewer.id, [tag])
    return answer(tag_entity(tag, days, gateway.site.uris, following=bool(followed)))


async def followed(request: web.Request) -> web.Response:
    """GET /api/v1/followed_tags."""
    author = (await signed_in(request, "read:follows")).author
    page = (await read(request, PageForm)).page(DEFAULT_LIMIT, MAX_LIMIT)
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        rows = await tag_follows.of_account(conn, author.id, page)
    entities = [tag_entity(row.tag, (), gateway.site.uris, following=True) for row in rows]
    return answer(entities, headers=links(request, page, [row.cursor for row in rows]))


async def follow(request: web.Request) -> web.Response:
    """POST /api/v1/tags/{tag}/follow."""
    author = (await signed_in(request, "write:follows")).author
    tag, gateway = _wanted(request), request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        async with conn.transaction():
            await actions.follow(conn, gateway.site, author, tag)
        days = await tag_days(conn, tag)
    return answer(tag_entity(tag, days, gateway.site.uris, following=True))


async def unfollow(request: web.Request) -> web.Response:
    """POST /api/v1/tags/{tag}/unfollow."""
    author = (await signed_in(request, "write:follows")).author
    tag, gateway = _wanted(request), request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        async with conn.transaction():
            await actions.unfollow(conn, author, tag)
        days = await tag_days(conn, tag)
    return answer(tag_entity(tag, days, gateway.site.uris))


def _wanted(request: web.Request) -> str:
    name = path_text(request, "tag")
    if not scan(f"#{name}").hashtags:
        raise not_found()
    return normalise_tag(name)


def tag_entity(tag: str, days: Sequence[Day], uris: LocalUris, *, following: bool = False) -> Tag:
    """Return a hashtag, with how much it was used on each day."""
    history = [TagHistory(day=str(day.begin), uses=str(day.uses), accounts=str(day.accounts)) for day in days]
    return Tag(id=tag, name=tag, url=uris.tag_page(tag), history=history, following=following)
