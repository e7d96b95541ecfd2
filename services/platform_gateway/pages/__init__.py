"""HTML for people: front page, profiles, posts, hashtags, and what is not there. No script anywhere."""

from aiohttp import web

from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.pages import front, post, profile, servers, tag
from services.platform_gateway.pages.failures import show_failures
from services.platform_gateway.pages.rendering import PLAIN_HTTP, TEMPLATES, build_environment, is_plain_http
from services.platform_gateway.pages.static_files import read_static_files


def add_routes(app: web.Application) -> None:
    """Add the pages, their style sheet, and pages for what goes wrong on the way to them."""
    uris = app[GATEWAY].site.uris
    files = read_static_files()
    app[TEMPLATES] = build_environment(files, site=uris.account_domain)
    app[PLAIN_HTTP] = is_plain_http(uris.origin)
    app.middlewares.append(show_failures)
    app.router.add_get("/", front.show)
    app.router.add_get("/static/{name}", files.serve)
    app.router.add_get("/about/servers", servers.show)
    app.router.add_get("/robots.txt", front.robots)
    app.router.add_get("/@{name}", profile.show)
    app.router.add_get("/@{name}/{id}", post.show)
    app.router.add_get("/tags/{tag}", tag.show)
