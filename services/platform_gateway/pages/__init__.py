"""Routes of `pages`."""

from aiohttp import web


def add_routes(app: web.Application) -> None:
    """Add the routes of this part."""
