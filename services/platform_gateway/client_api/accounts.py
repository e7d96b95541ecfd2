"""Accounts: who they are, what they posted, whom they follow."""

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from msgspec import Struct

from services.platform_gateway.auth import signed_in, visitor
from services.platform_gateway.client_api.lists import answer_accounts, answer_statuses
from services.platform_gateway.entities.accounts import FamiliarFollowers
from services.platform_gateway.errors import ApiError, not_found
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.pagination import PageForm
from services.platform_gateway.parameters import Id, path_id, read
from services.platform_gateway.rendering.accounts import (
    account,
    load_account,
    load_accounts,
    load_own_account,
    relationship,
)
from services.platform_gateway.responses import answer
from shared.database import api_relations, api_timelines
from shared.database.api_actors import actor_by_handle
from shared.database.api_relations import Listed
from shared.database.api_timelines import AccountFilter
from shared.database.paging import Page
from shared.database.pool import Connection
from shared.protocol.text import normalise_tag

DEFAULT_LIMIT, MAX_LIMIT = 40, 80
MAX_IDS = 100

ReadListed = Callable[[Connection, int, Page], Awaitable[Sequence[Listed]]]


class LookupForm(Struct, kw_only=True):
    """A handle, with or without its domain."""

    acct: str = ""


class IdsForm(Struct, kw_only=True):
    """Several accounts."""

    id: list[Id] = []


class StatusesForm(PageForm, kw_only=True):
    """Which of an account's posts are wanted."""

    only_media: bool = False
    exclude_replies: bool = False
    exclude_reblogs: bool = False
    pinned: bool = False
    tagged: str = ""


def add_routes(app: web.Application) -> None:
    """Add the routes of this file."""
    app.router.add_get("/api/v1/accounts", several)
    app.router.add_get("/api/v1/accounts/verify_credentials", verify_credentials)
    app.router.add_get("/api/v1/accounts/lookup", lookup)
    app.router.add_get("/api/v1/accounts/relationships", relationships)
    app.router.add_get("/api/v1/accounts/familiar_followers", familiar_followers)
    app.router.add_get("/api/v1/accounts/{id:[0-9]+}", show)
    app.router.add_get("/api/v1/accounts/{id}/statuses", statuses)
    app.router.add_get("/api/v1/accounts/{id}/followers", followers)
    app.router.add_get("/api/v1/accounts/{id}/following", following)


async def verify_credentials(request: web.Request) -> web.Response:
    """GET /api/v1/accounts/verify_credentials: who the caller is."""
    author = (await signed_in(request, "read:accounts")).author
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        return answer(await load_own_account(conn, author.id, gateway.site.uris))


async def show(request: web.Request) -> web.Response:
    """GET /api/v1/accounts/{id}."""
    await visitor(request, "read:accounts")
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        return answer(await load_account(conn, path_id(request), gateway.site.uris))


async def several(request: web.Request) -> web.Response:
    """GET /api/v1/accounts?id[]=: several at once, unknown ones left out."""
    await visitor(request, "read:accounts")
    form = await read(request, IdsForm)
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        known = await load_accounts(conn, form.id[:MAX_IDS], gateway.site.uris)
    return answer([known[identifier] for identifier in dict.fromkeys(form.id) if identifier in known])


async def lookup(request: web.Request) -> web.Response:
    """GET /api/v1/accounts/lookup: by a handle that is known here; nothing is fetched."""
    form = await read(request, LookupForm)
    gateway = request.app[GATEWAY]
    uris = gateway.site.uris
    username, _, domain = form.acct.strip().removeprefix("@").partition("@")
    async with gateway.pool.acquire() as conn:
        row = await actor_by_handle(conn, username, domain or uris.account_domain)
    if row is None:
        raise not_found()
    return answer(account(row, uris))


async def statuses(request: web.Request) -> web.Response:
    """GET /api/v1/accounts/{id}/statuses."""
    viewer = await visitor(request, "read:statuses")
    actor_id = path_id(request)
    form = await read(request, StatusesForm)
    page = form.page(20, 40)
    wanted = AccountFilter(
        only_media=form.only_media,
        exclude_replies=form.exclude_replies,
        exclude_reblogs=form.exclude_reblogs,
        tag=normalise_tag(form.tagged),
    )
    viewer_id = viewer.id if viewer else None
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        await load_account(conn, actor_id, gateway.site.uris)
        if form.pinned:
            ids = await api_timelines.pinned(conn, viewer_id, actor_id, page)
            return await answer_statuses(request, conn, page, ids, viewer_id)
        ids = await api_timelines.of_account(conn, viewer_id, actor_id, page, wanted)
        return await answer_statuses(request, conn, page, ids, viewer_id)


async def followers(request: web.Request) -> web.Response:
    """GET /api/v1/accounts/{id}/followers."""
    return await _linked(request, api_relations.followers)


async def following(request: web.Request) -> web.Response:
    """GET /api/v1/accounts/{id}/following."""
    return await _linked(request, api_relations.following)


async def _linked(request: web.Request, of: ReadListed) -> web.Response:
    """Answer with a list of an account's people; one that is hidden is empty for all but its owner."""
    viewer = await visitor(request, "read:accounts")
    actor_id = path_id(request)
    page = (await read(request, PageForm)).page(DEFAULT_LIMIT, MAX_LIMIT)
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        shown = await load_account(conn, actor_id, gateway.site.uris)
        hidden = shown.hide_collections and (viewer is None or viewer.id != actor_id)
        rows = [] if hidden else await of(conn, actor_id, page)
        return await answer_accounts(request, conn, page, rows)


async def relationships(request: web.Request) -> web.Response:
    """GET /api/v1/accounts/relationships?id[]=."""
    author = (await signed_in(request, "read:follows")).author
    form = await read(request, IdsForm)
    if len(form.id) > MAX_IDS:
        raise ApiError(422, f"Validation failed: At most {MAX_IDS} accounts at once")
    async with request.app[GATEWAY].pool.acquire() as conn:
        rows = await api_relations.relations(conn, author.id, list(dict.fromkeys(form.id)))
    return answer([relationship(row) for row in rows])


async def familiar_followers(request: web.Request) -> web.Response:
    """GET /api/v1/accounts/familiar_followers?id[]=: who of those I follow follows them."""
    author = (await signed_in(request, "read:follows")).author
    form = await read(request, IdsForm)
    wanted = list(dict.fromkeys(form.id))[:MAX_IDS]
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        rows = await api_relations.familiar_followers(conn, author.id, wanted)
        known = await load_accounts(conn, [row.follower_id for row in rows], gateway.site.uris)
    return answer(
        [
            FamiliarFollowers(
                id=str(wanted_id),
                accounts=[
                    known[row.follower_id]
                    for row in rows
                    if row.actor_id == wanted_id and row.follower_id in known
                ],
            )
            for wanted_id in wanted
        ]
    )
