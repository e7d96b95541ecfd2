"""Hashtags on their own."""

from collections.abc import Sequence

from aiohttp import web

from services.platform_gateway.auth import signed_in
from services.platform_gateway.entities.statuses import Tag, TagHistory
from services.platform_gateway.errors import not_found
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.parameters import path_text
from services.platform_gateway.responses import answer
from shared.database.api_instance import Day, tag_days
from shared.protocol.local_uris import LocalUris
from shared.protocol.text import normalise_tag, scan


def add_routes(app: web.Application) -> None:
    """Add the routes of this file."""
    app.router.add_get("/api/v1/tags/{tag}", show)
    app.router.add_get("/api/v1/followed_tags", followed)


async def show(request: web.Request) -> web.Response:
    """GET /api/v1/tags/{tag}: a hashtag and its use in the last seven days."""
    name = path_text(request, "tag")
    if not scan(f"#{name}").hashtags:
        raise not_found()
    tag = normalise_tag(name)
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        days = await tag_days(conn, tag)
    return answer(tag_entity(tag, days, gateway.site.uris))


async def followed(request: web.Request) -> web.Response:
    """GET /api/v1/followed_tags: hashtags cannot be followed here."""
    await signed_in(request, "read:follows")
    return answer([])


def tag_entity(tag: str, days: Sequence[Day], uris: LocalUris) -> Tag:
    """Return a hashtag, with how much it was used on each day."""
    history = [TagHistory(day=str(day.begin), uses=str(day.uses), accounts=str(day.accounts)) for day in days]
    return Tag(id=tag, name=tag, url=uris.tag_page(tag), history=history)
