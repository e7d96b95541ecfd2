"""OAuth 2: apps, the sign-in page, tokens."""

import asyncio

from aiohttp import web

from services.platform_gateway.oauth import apps, authorize, metadata, tokens
from services.platform_gateway.oauth.sign_in import SLOTS


def add_routes(app: web.Application) -> None:
    """Add every route below `/oauth`, registration, and the server's metadata (RFC 8414)."""
    app[SLOTS] = asyncio.Semaphore(2)
    app.router.add_post("/api/v1/apps", apps.register)
    app.router.add_get("/api/v1/apps/verify_credentials", apps.verify_credentials)
    app.router.add_get("/.well-known/oauth-authorization-server", metadata.metadata)
    app.router.add_get("/oauth/authorize", authorize.show)
    app.router.add_post("/oauth/authorize", authorize.decide)
    app.router.add_post("/oauth/token", tokens.token)
    app.router.add_post("/oauth/revoke", tokens.revoke)
    app.router.add_get("/oauth/userinfo", tokens.userinfo)
