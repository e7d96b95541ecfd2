"""Timelines: home, public, and by hashtag."""

from collections.abc import Sequence

from aiohttp import web
from msgspec import Raw, field

from services.platform_gateway.auth import signed_in, visitor
from services.platform_gateway.client_api.lists import answer_marked, answer_statuses
from services.platform_gateway.entities.statuses import Status
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.pagination import PageForm, links
from services.platform_gateway.parameters import path_text, read
from services.platform_gateway.rendering.filtering import without_dropped
from services.platform_gateway.responses import answer
from shared.actions.homes import fill_home
from shared.database import api_home, api_timelines
from shared.database.api_timelines import TagFilter
from shared.database.homes import HomeState
from shared.protocol.text import normalise_tag

DEFAULT_LIMIT, MAX_LIMIT = 20, 40
MAX_TAGS = 10


class PublicForm(PageForm, kw_only=True):
    """Which of the public posts are wanted."""

    local: bool = False
    remote: bool = False
    only_media: bool = False

    @property
    def origin(self) -> bool | None:
        """Ours only, others' only, or both."""
        return None if self.local == self.remote else self.local


class TagForm(PublicForm, kw_only=True):
    """More hashtags to look for, to require, to leave out."""

    any: list[str] = field(default_factory=list)
    all: list[str] = field(default_factory=list)
    none: list[str] = field(default_factory=list)


def add_routes(app: web.Application) -> None:
    """Add the routes of this file."""
    app.router.add_get("/api/v1/timelines/home", home)
    app.router.add_get("/api/v1/timelines/public", public)
    app.router.add_get("/api/v1/timelines/tag/{tag}", tag)
    app.router.add_get("/api/v1/favourites", favourites)
    app.router.add_get("/api/v1/bookmarks", bookmarks)


async def home(request: web.Request) -> web.Response:
    """GET /api/v1/timelines/home."""
    caller = await signed_in(request, "read:statuses")
    page = (await read(request, PageForm)).page(DEFAULT_LIMIT, MAX_LIMIT)
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        if caller.author.home_state is not HomeState.KEPT:
            await fill_home(conn, caller.author.id)
        ids, shown = await api_home.home(conn, caller.author.id, page)
        place = conn, ids, caller.author.id, gateway.site.uris, shown
        statuses: Sequence[Status | Raw] = (
            await without_dropped(conn, caller.author, await gateway.kept.entities(*place), "home")
            if caller.author.filtering
            else await gateway.kept.show(*place)
        )
    return answer(statuses, headers=links(request, page, ids))


async def public(request: web.Request) -> web.Response:
    """GET /api/v1/timelines/public."""
    viewer = await visitor(request, "read:statuses")
    form = await read(request, PublicForm)
    page = form.page(DEFAULT_LIMIT, MAX_LIMIT)
    viewer_id = viewer.id if viewer else None
    async with request.app[GATEWAY].pool.acquire() as conn:
        ids = await api_timelines.public(conn, viewer_id, page, local=form.origin, only_media=form.only_media)
        return await answer_statuses(request, conn, page, ids, viewer_id)


async def tag(request: web.Request) -> web.Response:
    """GET /api/v1/timelines/tag/{tag}."""
    viewer = await visitor(request, "read:statuses")
    form = await read(request, TagForm)
    page = form.page(DEFAULT_LIMIT, MAX_LIMIT)
    viewer_id = viewer.id if viewer else None
    wanted = TagFilter(
        some=_normalised([path_text(request, "tag"), *form.any]),
        every=_normalised(form.all),
        none=_normalised(form.none),
    )
    async with request.app[GATEWAY].pool.acquire() as conn:
        ids = await api_timelines.tagged(
            conn, viewer_id, page, wanted, local=form.origin, only_media=form.only_media
        )
        return await answer_statuses(request, conn, page, ids, viewer_id)


async def favourites(request: web.Request) -> web.Response:
    """GET /api/v1/favourites."""
    caller = await signed_in(request, "read:favourites")
    page = (await read(request, PageForm)).page(DEFAULT_LIMIT, MAX_LIMIT)
    async with request.app[GATEWAY].pool.acquire() as conn:
        rows = await api_timelines.favourites(conn, caller.author.id, page)
        return await answer_marked(request, conn, page, rows, caller.author.id)


async def bookmarks(request: web.Request) -> web.Response:
    """GET /api/v1/bookmarks."""
    caller = await signed_in(request, "read:bookmarks")
    page = (await read(request, PageForm)).page(DEFAULT_LIMIT, MAX_LIMIT)
    async with request.app[GATEWAY].pool.acquire() as conn:
        rows = await api_timelines.bookmarks(conn, caller.author.id, page)
        return await answer_marked(request, conn, page, rows, caller.author.id)


def _normalised(tags: list[str]) -> tuple[str, ...]:
    return tuple(normalise_tag(name) for name in tags[:MAX_TAGS])
