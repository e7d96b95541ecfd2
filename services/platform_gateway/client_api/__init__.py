"""The Mastodon client API: one file per resource."""

from aiohttp import web


def add_routes(app: web.Application) -> None:
    """Add every route below `/api`."""
