"""What clients ask for at their start and is not kept here: answered with nothing, not with an error."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from services.platform_gateway.auth import signed_in
from services.platform_gateway.responses import answer

_FOR_ANYBODY = (
    "/api/v1/custom_emojis",
    "/api/v1/trends",
    "/api/v1/trends/tags",
    "/api/v1/trends/statuses",
    "/api/v1/trends/links",
)
_SIGNED_IN = {
    "/api/v1/announcements": "",
    "/api/v1/conversations": "read:statuses",
    "/api/v1/conversations/": "read:statuses",
    "/api/v1/endorsements": "read:accounts",
    "/api/v1/scheduled_statuses": "read:statuses",
    "/api/v1/suggestions": "read",
    "/api/v2/suggestions": "read",
}


def add_routes(app: web.Application) -> None:
    """Add the routes of this file."""
    for path in _FOR_ANYBODY:
        app.router.add_get(path, _anybody)
    for path, scope in _SIGNED_IN.items():
        app.router.add_get(path, _empty(scope))


async def _anybody(_request: web.Request) -> web.Response:
    return answer([])


def _empty(scope: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        await signed_in(request, scope)
        return answer([])

    return handle
