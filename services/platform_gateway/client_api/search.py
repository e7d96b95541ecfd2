"""Search: by handle, by URL, by the beginning of a name or a hashtag."""

import re

from aiohttp import web
from msgspec import Struct

from services.platform_gateway.auth import signed_in, visitor
from services.platform_gateway.client_api.hashtags import tag_entity
from services.platform_gateway.client_api.lookups import find_handle, find_url
from services.platform_gateway.entities.accounts import Account
from services.platform_gateway.entities.statuses import OldSearch, Search
from services.platform_gateway.errors import ApiError
from services.platform_gateway.gateway import GATEWAY, Gateway
from services.platform_gateway.parameters import read
from services.platform_gateway.rendering.accounts import load_accounts
from services.platform_gateway.rendering.filtering import mark_filtered
from services.platform_gateway.rendering.statuses import load_status
from services.platform_gateway.responses import answer
from shared.database.api_actors import search_actors
from shared.database.api_instance import tags_starting
from shared.database.authors import Author
from shared.protocol.text import normalise_tag

DEFAULT_LIMIT, MAX_LIMIT = 20, 40
ACCOUNTS_DEFAULT, ACCOUNTS_MOST = 40, 80
MAX_OFFSET = 10_000
MAX_QUERY = 1_000
_HANDLE = re.compile(r"@?([\w.\-]+)@([^\s@/]+)", re.ASCII)


class SearchForm(Struct, kw_only=True):
    """What is looked for, and where."""

    q: str = ""
    type: str = ""
    resolve: bool = False
    following: bool = False
    limit: int | None = None
    offset: int = 0


class Found(Struct):
    """What was found, as ids."""

    accounts: list[int]
    statuses: list[int]
    tags: list[str]


def add_routes(app: web.Application) -> None:
    """Add the routes of this file."""
    app.router.add_get("/api/v2/search", search)
    app.router.add_get("/api/v1/search", search_old)
    app.router.add_get("/api/v1/accounts/search", accounts)


async def search(request: web.Request) -> web.Response:
    """GET /api/v2/search."""
    return answer(await _answer(request))


async def search_old(request: web.Request) -> web.Response:
    """GET /api/v1/search: hashtags are names only."""
    found = await _answer(request)
    names = [tag.name for tag in found.hashtags]
    return answer(OldSearch(accounts=found.accounts, statuses=found.statuses, hashtags=names))


async def accounts(request: web.Request) -> web.Response:
    """GET /api/v1/accounts/search."""
    author = (await signed_in(request, "read:accounts")).author
    form = await read(request, SearchForm)
    limit, offset = _bounds(form, ACCOUNTS_DEFAULT, ACCOUNTS_MOST)
    gateway = request.app[GATEWAY]
    ids = await _accounts(gateway, form, author, limit, offset)
    return answer(await _load_accounts(gateway, ids))


async def _answer(request: web.Request) -> Search:
    viewer = await visitor(request, "read:search")
    form = await read(request, SearchForm)
    if not form.q.strip() or len(form.q) > MAX_QUERY:
        raise ApiError(400, "The query is missing or too long")
    if viewer is None and (form.resolve or form.offset):
        raise ApiError(401, "Search queries that resolve or page need a signed-in user")
    gateway = request.app[GATEWAY]
    found = await _find(gateway, form, viewer)
    viewer_id = viewer.id if viewer else None
    entities = Search(accounts=await _load_accounts(gateway, found.accounts), statuses=[], hashtags=[])
    async with gateway.pool.acquire() as conn:
        entities.hashtags = [tag_entity(name, [], gateway.site.uris) for name in found.tags]
        entities.statuses = [
            await load_status(conn, identifier, viewer_id, gateway.site.uris) for identifier in found.statuses
        ]
        await mark_filtered(conn, viewer, entities.statuses)
    return entities


async def _find(gateway: Gateway, form: SearchForm, viewer: Author | None) -> Found:
    """Look where the query points: a URL at one thing, everything else at names."""
    text = form.q.strip()
    found = Found([], [], [])
    limit, offset = _bounds(form, DEFAULT_LIMIT, MAX_LIMIT)
    if text.startswith(("https://", "http://")):
        hit = await find_url(gateway, text, viewer, resolve=form.resolve)
        found.accounts = hit.accounts if form.type in {"", "accounts"} else []
        found.statuses = hit.statuses if form.type in {"", "statuses"} else []
        return found
    if form.type in {"", "accounts"}:
        found.accounts = await _accounts(gateway, form, viewer, limit, offset)
    if form.type in {"", "hashtags"} and not _HANDLE.fullmatch(text):
        async with gateway.pool.acquire() as conn:
            found.tags = list(await tags_starting(conn, normalise_tag(text), limit, offset))
    return found


async def _accounts(
    gateway: Gateway, form: SearchForm, viewer: Author | None, limit: int, offset: int
) -> list[int]:
    text = form.q.strip()
    handle = _HANDLE.fullmatch(text)
    exact = None
    if handle is not None and not offset:
        exact = await find_handle(gateway, handle[1], handle[2], resolve=form.resolve and viewer is not None)
    name, _, domain = text.removeprefix("@").partition("@")
    async with gateway.pool.acquire() as conn:
        more = await search_actors(
            conn,
            name,
            domain,
            viewer_id=viewer.id if viewer else None,
            following_only=form.following and viewer is not None,
            limit=limit,
            offset=offset,
        )
    return list(dict.fromkeys([*([exact] if exact is not None else []), *more]))[:limit]


async def _load_accounts(gateway: Gateway, ids: list[int]) -> list[Account]:
    async with gateway.pool.acquire() as conn:
        known = await load_accounts(conn, ids, gateway.site.uris)
    return [known[identifier] for identifier in ids if identifier in known]


def _bounds(form: SearchForm, default: int, most: int) -> tuple[int, int]:
    limit = default if form.limit is None or form.limit < 1 else min(form.limit, most)
    return limit, max(0, min(form.offset, MAX_OFFSET))
