"""The console's routes, and who may come in."""

from collections.abc import Awaitable, Callable
from ipaddress import ip_address

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from services.operator_console.web import pages
from services.operator_console.web.console import CONSOLE, Console
from services.operator_console.web.rendering import TEMPLATES, build_environment, render, style
from shared.runtime.settings import Address

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

DEFAULT_LISTEN = Address("127.0.0.1", 8081)
"""Loopback: the console asks nobody for a password."""

_SERVER_ERROR = 500


def build_app(console: Console, listen: Address) -> web.Application:
    """Return the console's application.

    Args:
        console: What the pages read from.
        listen: Where it is reached; on loopback only local names are answered, so that no web page can
            have a browser read it under a name of its own (DNS rebinding).
    """
    app = web.Application(middlewares=[_local_names_only(listen), _show_failures])
    app[CONSOLE] = console
    app[TEMPLATES] = build_environment(console.settings.origin)
    app.router.add_get("/", pages.overview)
    app.router.add_get("/hosts", pages.hosts)
    app.router.add_get("/hosts/{host}", pages.host)
    app.router.add_get("/dead", pages.dead)
    app.router.add_get("/trace", pages.trace)
    app.router.add_get("/console.css", style)
    return app


def _local_names_only(listen: Address) -> Middleware:
    guarded = _is_loopback(listen.host)

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if guarded and not _is_loopback(request.url.host or ""):
            return web.Response(status=421, text="The console answers to local names only.\n")
        return await handler(request)

    return check


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@web.middleware
async def _show_failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        return render(request, "failure.html", {"title": error.reason}, status=error.status)
    except Exception:
        log.exception("request_failed", path=request.path)
        return render(request, "failure.html", {"title": "Something went wrong"}, status=_SERVER_ERROR)
