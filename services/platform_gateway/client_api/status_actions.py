"""What the caller does with a post: like, boost, bookmark, pin, and back."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from msgspec import Struct

from services.platform_gateway.auth import signed_in
from services.platform_gateway.client_api.drafts import VISIBILITIES
from services.platform_gateway.errors import invalid
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.parameters import path_id, read
from services.platform_gateway.rendering.statuses import load_status, require_visible
from services.platform_gateway.responses import answer
from shared.actions import bookmarks, boosts, likes, pins
from shared.actions.site import Site
from shared.database.authors import Author
from shared.database.pool import Connection
from shared.protocol.objects import Visibility

Act = Callable[[Connection, Site, Author, int], Awaitable[None]]


class ReblogForm(Struct, kw_only=True):
    """To whom a boost is shown."""

    visibility: str = ""


def add_routes(app: web.Application) -> None:
    """Add the routes of this file."""
    status = "/api/v1/statuses/{id}"
    app.router.add_post(f"{status}/favourite", _action("write:favourites", likes.like))
    app.router.add_post(f"{status}/unfavourite", _action("write:favourites", likes.unlike))
    app.router.add_post(f"{status}/reblog", reblog)
    app.router.add_post(f"{status}/unreblog", _action("write:statuses", boosts.unboost))
    app.router.add_post(f"{status}/bookmark", _action("write:bookmarks", bookmarks.bookmark))
    app.router.add_post(f"{status}/unbookmark", _action("write:bookmarks", bookmarks.unbookmark))
    app.router.add_post(f"{status}/pin", _action("write:accounts", pins.pin))
    app.router.add_post(f"{status}/unpin", _action("write:accounts", pins.unpin))


async def reblog(request: web.Request) -> web.Response:
    """POST /api/v1/statuses/{id}/reblog: answers with the boost."""
    author = (await signed_in(request, "write:statuses")).author
    form = await read(request, ReblogForm)
    if form.visibility and form.visibility not in VISIBILITIES:
        raise invalid("Visibility is not included in the list")
    visibility = VISIBILITIES.get(form.visibility, Visibility.PUBLIC)
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        row = await require_visible(conn, path_id(request), author.id)
        async with conn.transaction():
            boost_id = await boosts.boost(conn, gateway.site, author, row.reblog_of_id or row.id, visibility)
        return answer(await load_status(conn, boost_id, author.id, gateway.site.uris))


def _action(scope: str, act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        """Do it in one transaction and answer with the post as it is then; of a boost, what it shares."""
        author = (await signed_in(request, scope)).author
        gateway = request.app[GATEWAY]
        async with gateway.pool.acquire() as conn:
            row = await require_visible(conn, path_id(request), author.id)
            status_id = row.reblog_of_id or row.id
            async with conn.transaction():
                await act(conn, gateway.site, author, status_id)
            return answer(await load_status(conn, status_id, author.id, gateway.site.uris))

    return handle
