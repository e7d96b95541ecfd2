"""OAuth 2: apps, the sign-in page, tokens."""

from aiohttp import web


def add_routes(app: web.Application) -> None:
    """Add every route below `/oauth`, and the server's metadata (RFC 8414)."""
