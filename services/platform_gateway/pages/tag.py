"""A hashtag's page."""

from aiohttp import web

from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.pages import paging
from services.platform_gateway.pages.rendering import render
from services.platform_gateway.parameters import path_text
from shared.database.page_posts import tagged_posts
from shared.protocol.text import normalise_tag


async def show(request: web.Request) -> web.Response:
    """Answer `GET /tags/{tag}`."""
    tag = normalise_tag(path_text(request, "tag"))
    if not tag:
        raise web.HTTPNotFound
    page = paging.page_of(request)
    async with request.app[GATEWAY].pool.acquire() as conn:
        posts = await tagged_posts(conn, tag, page)
    links = paging.links(request, page, posts)
    context = {
        "tag": tag,
        "posts": paging.shown(page, posts),
        "older": links.older,
        "newer": links.newer,
    }
    return render(request, "tag.html", context)
