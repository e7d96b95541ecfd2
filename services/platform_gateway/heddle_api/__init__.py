"""What the Mastodon API has no words for, below `/api/heddle/v1`."""

from aiohttp import web

from services.platform_gateway.heddle_api import delivery


def add_routes(app: web.Application) -> None:
    """Add the routes; before those of the client API, which answers for all else below `/api`."""
    delivery.add_routes(app)
