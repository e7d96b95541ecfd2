"""The front page: what this site is and what its people said last."""

from aiohttp import web

from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.pages import paging
from services.platform_gateway.pages.rendering import render
from shared.database.page_posts import public_local_posts
from shared.database.usage import usage

_ROBOTS = "User-agent: *\nDisallow: /api/\nDisallow: /oauth/\n"


async def show(request: web.Request) -> web.Response:
    """Answer `GET /`."""
    gateway = request.app[GATEWAY]
    page = paging.page_of(request)
    async with gateway.pool.acquire() as conn:
        posts = await public_local_posts(conn, page)
        figures = await usage(conn)
    links = paging.links(request, page, posts)
    context = {
        "origin": gateway.site.uris.origin,
        "accounts": figures.accounts,
        "posts_written": figures.posts,
        "posts": paging.shown(page, posts),
        "older": links.older,
        "newer": links.newer,
    }
    return render(request, "front.html", context)


async def robots(_request: web.Request) -> web.Response:
    """Answer `GET /robots.txt`: pages may be read, the API is not for crawlers (RFC 9309)."""
    return web.Response(text=_ROBOTS, content_type="text/plain")
