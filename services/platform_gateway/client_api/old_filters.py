"""Filters as version 1 of the API has them: each keyword is one, by its own id."""

from aiohttp import web
from msgspec import Struct, structs

from services.platform_gateway.auth import signed_in
from services.platform_gateway.client_api.filters import WRITE, Seconds, blank, ending, reading, writing
from services.platform_gateway.entities.filters import OldFilter
from services.platform_gateway.errors import invalid
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.parameters import path_id, read
from services.platform_gateway.rendering.filtering import matched_filter
from services.platform_gateway.responses import answer, nothing
from shared.actions import filters
from shared.database.authors import Author
from shared.database.filters import Action, FilterRow, Keyword
from shared.database.pool import Connection


class OldFilterForm(Struct, kw_only=True):
    """What a filter is; what is not given stays as it is. What is irreversible is not even sent."""

    phrase: str | None = None
    context: list[str] | None = None
    irreversible: bool | None = None
    whole_word: bool | None = None
    expires_in: Seconds | None = None


def add_routes(app: web.Application) -> None:
    """Add the routes of this file."""
    app.router.add_get("/api/v1/filters", several)
    app.router.add_post("/api/v1/filters", create)
    app.router.add_get("/api/v1/filters/{id}", show)
    app.router.add_put("/api/v1/filters/{id}", change)
    app.router.add_delete("/api/v1/filters/{id}", delete)


async def several(request: web.Request) -> web.Response:
    """GET /api/v1/filters."""
    return await reading(
        request, filters.mine, lambda rows: [_entity(row, one) for row in rows for one in row.keywords]
    )


async def show(request: web.Request) -> web.Response:
    """GET /api/v1/filters/{id}."""

    async def find(conn: Connection, author: Author) -> tuple[FilterRow, Keyword]:
        return await filters.with_keyword(conn, author, path_id(request))

    return await reading(request, find, lambda found: _entity(*found))


async def create(request: web.Request) -> web.Response:
    """POST /api/v1/filters."""
    author = (await signed_in(request, WRITE)).author
    form = await read(request, OldFilterForm)
    row = blank(request, author)
    new = Keyword(request.app[GATEWAY].site.ids.next(), "", whole_word=True)

    async def make(conn: Connection) -> web.Response:
        titled = structs.replace(row, title=(form.phrase or "")[: filters.LONGEST_KEYWORD])
        return await _save(conn, author, titled, new, form)

    return await writing(request, author, make)


async def change(request: web.Request) -> web.Response:
    """PUT /api/v1/filters/{id}: of a filter with more keywords, only the keyword itself may change."""
    author = (await signed_in(request, WRITE)).author
    form = await read(request, OldFilterForm)

    async def make(conn: Connection) -> web.Response:
        row, known = await filters.with_keyword(conn, author, path_id(request))
        shared = (form.context, form.irreversible, form.expires_in)
        if len(row.keywords) > 1 and any(one is not None for one in shared):
            raise invalid("This filter has several keywords: change it where they can be told apart")
        return await _save(conn, author, row, known, form)

    return await writing(request, author, make)


async def delete(request: web.Request) -> web.Response:
    """DELETE /api/v1/filters/{id}: with its last keyword a filter goes."""
    author = (await signed_in(request, WRITE)).author

    async def make(conn: Connection) -> web.Response:
        await filters.delete_keyword(conn, author, path_id(request), whole=True)
        return nothing()

    return await writing(request, author, make)


async def _save(
    conn: Connection, author: Author, row: FilterRow, known: Keyword, form: OldFilterForm
) -> web.Response:
    irreversible = row.irreversible if form.irreversible is None else form.irreversible
    action = row.action
    if form.irreversible is not None:
        action = Action.HIDE if irreversible else Action.WARN
    after = structs.replace(
        row,
        contexts=row.contexts if form.context is None else tuple(form.context),
        action=action,
        irreversible=irreversible,
        expires_at=ending(row, form.expires_in),
    )
    keyword = Keyword(
        known.id,
        known.keyword if form.phrase is None else form.phrase,
        known.whole_word if form.whole_word is None else form.whole_word,
    )
    await filters.save(conn, author, after, [keyword])
    return answer(_entity(*await filters.with_keyword(conn, author, known.id)))


def _entity(row: FilterRow, one: Keyword) -> OldFilter:
    shown = matched_filter(row)
    return OldFilter(
        id=str(one.id),
        phrase=one.keyword,
        context=shown.context,
        whole_word=one.whole_word,
        expires_at=shown.expires_at,
        irreversible=row.action is Action.HIDE,
    )
