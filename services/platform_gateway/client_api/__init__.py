"""The Mastodon client API: one file per resource."""

from aiohttp import web

from services.platform_gateway.client_api import (
    account_actions,
    accounts,
    blocked_domains,
    credentials,
    empties,
    featured_tags,
    filters,
    grouped,
    hashtags,
    instance,
    media,
    notifications,
    old_filters,
    polls,
    quotes,
    reports,
    search,
    settings,
    status_actions,
    statuses,
    timelines,
    user_lists,
)
from services.platform_gateway.errors import not_found

_PARTS = (
    instance,
    search,
    credentials,
    accounts,
    account_actions,
    statuses,
    status_actions,
    media,
    quotes,
    timelines,
    notifications,
    grouped,
    polls,
    reports,
    settings,
    hashtags,
    user_lists,
    blocked_domains,
    featured_tags,
    filters,
    old_filters,
    empties,
)


def add_routes(app: web.Application) -> None:
    """Add every route below `/api`; what is not there answers with the API's own 404."""
    for part in _PARTS:
        part.add_routes(app)
    app.router.add_route("*", "/api/{path:.*}", _unknown)


async def _unknown(_request: web.Request) -> web.Response:
    raise not_found()
