"""What the caller does about another account: follow, block, mute, and back."""

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from msgspec import Struct

from services.platform_gateway.auth import signed_in
from services.platform_gateway.client_api.lists import answer_accounts
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.pagination import PageForm
from services.platform_gateway.parameters import path_id, read
from services.platform_gateway.rendering.accounts import load_relationship
from services.platform_gateway.responses import answer
from shared.actions import blocks, follows, mutes
from shared.actions.site import Site
from shared.database import api_relations
from shared.database.authors import Author
from shared.database.paging import Page
from shared.database.pool import Connection

DEFAULT_LIMIT, MAX_LIMIT = 40, 80

Act = Callable[[Connection, Site, Author, int], Awaitable[None]]
Listing = Callable[[Connection, int, Page], Awaitable[Sequence[api_relations.Listed]]]


class FollowForm(Struct, kw_only=True):
    """How an account is followed."""

    reblogs: bool | None = None


class MuteForm(Struct, kw_only=True):
    """How an account is muted."""

    notifications: bool = True
    duration: int = 0
    """Seconds; 0 for good."""


def add_routes(app: web.Application) -> None:
    """Add the routes of this file."""
    account = "/api/v1/accounts/{id}"
    app.router.add_post(f"{account}/follow", follow)
    app.router.add_post(f"{account}/unfollow", _action("write:follows", follows.unfollow))
    app.router.add_post(f"{account}/remove_from_followers", _action("write:follows", follows.reject))
    app.router.add_post(f"{account}/block", _action("write:blocks", blocks.block))
    app.router.add_post(f"{account}/unblock", _action("write:blocks", blocks.unblock))
    app.router.add_post(f"{account}/mute", mute)
    app.router.add_post(f"{account}/unmute", _action("write:mutes", mutes.unmute))
    requests = "/api/v1/follow_requests"
    app.router.add_post(f"{requests}/{{id}}/authorize", _action("write:follows", follows.authorize))
    app.router.add_post(f"{requests}/{{id}}/reject", _action("write:follows", follows.reject))
    app.router.add_get(requests, _listing("read:follows", api_relations.follow_requests))
    app.router.add_get("/api/v1/blocks", _listing("read:blocks", api_relations.blocked))
    app.router.add_get("/api/v1/mutes", _listing("read:mutes", api_relations.muted))


async def follow(request: web.Request) -> web.Response:
    """POST /api/v1/accounts/{id}/follow."""
    form = await read(request, FollowForm)

    async def act(conn: Connection, site: Site, author: Author, target_id: int) -> None:
        await follows.follow(conn, site, author, target_id, show_reblogs=form.reblogs)

    return await _act(request, "write:follows", act)


async def mute(request: web.Request) -> web.Response:
    """POST /api/v1/accounts/{id}/mute."""
    form = await read(request, MuteForm)

    async def act(conn: Connection, site: Site, author: Author, target_id: int) -> None:
        await mutes.mute(
            conn,
            site,
            author,
            target_id,
            notifications=form.notifications,
            duration=form.duration,
        )

    return await _act(request, "write:mutes", act)


def _action(scope: str, act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        return await _act(request, scope, act)

    return handle


async def _act(request: web.Request, scope: str, act: Act) -> web.Response:
    """Do it in one transaction and answer with what then lies between the two accounts."""
    author = (await signed_in(request, scope)).author
    target_id = path_id(request)
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        async with conn.transaction():
            await act(conn, gateway.site, author, target_id)
        return answer(await load_relationship(conn, author.id, target_id))


def _listing(scope: str, listing: Listing) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        author = (await signed_in(request, scope)).author
        page = (await read(request, PageForm)).page(DEFAULT_LIMIT, MAX_LIMIT)
        async with request.app[GATEWAY].pool.acquire() as conn:
            return await answer_accounts(request, conn, page, await listing(conn, author.id, page))

    return handle
