"""Cross-origin reads and writes of the client API, for clients that run in a browser (Fetch, section 3.2)."""

from collections.abc import Awaitable, Callable

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

OPEN_PATHS = (
    "/api/",
    "/oauth/token",
    "/oauth/revoke",
    "/oauth/userinfo",
    "/.well-known/",
    "/nodeinfo/",
    "/users/",
    "/objects/",
)
"""The sign-in page is not among them: only a person in front of it may use it."""

ANSWER = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": (
        "Link, X-RateLimit-Reset, X-RateLimit-Limit, X-RateLimit-Remaining, X-Request-Id, Retry-After"
    ),
}
_PREFLIGHT = ANSWER | {
    "Access-Control-Allow-Methods": "POST, PUT, DELETE, GET, PATCH, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, Accept",
    "Access-Control-Max-Age": "7200",
}


@web.middleware
async def allow_browsers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer preflights, and say on every open path that any origin may read; no cookie is involved there."""
    if not request.path.startswith(OPEN_PATHS):
        return await handler(request)
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        return web.Response(status=204, headers=_PREFLIGHT)
    response = await handler(request)
    response.headers.update(ANSWER)
    return response
