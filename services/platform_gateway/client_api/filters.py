"""Filters: what the caller does not want to see, each with its keywords and posts."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

from aiohttp import web
from msgspec import Meta, Struct, field, structs

from services.platform_gateway.auth import signed_in
from services.platform_gateway.entities.filters import Filter, FilterKeyword, FilterStatus
from services.platform_gateway.errors import invalid
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.parameters import Id, path_id, read
from services.platform_gateway.rendering.filtering import matched_filter
from services.platform_gateway.responses import answer, nothing
from shared.actions import filters
from shared.actions.errors import NotThere
from shared.database.authors import Author
from shared.database.filters import Action, FilteredPost, FilterRow, Keyword
from shared.database.pool import Connection
from shared.protocol.live import Live

T = TypeVar("T")
READ, WRITE = "read:filters", "write:filters"
LONGEST_SECONDS = 10 * 366 * 86_400

Seconds = Annotated[str, Meta(pattern="^[0-9]{0,10}$")]
"""Seconds from now; empty: for good."""


class KeywordForm(Struct, kw_only=True):
    """A keyword; what is not given stays as it is."""

    keyword: str | None = None
    whole_word: bool | None = None


class KeywordAttributes(KeywordForm, kw_only=True):
    """A keyword inside of its filter: new without an id, taken out with `_destroy`."""

    id: Id | None = None
    destroy: bool = field(default=False, name="_destroy")


class FilterForm(Struct, kw_only=True):
    """What a filter is; what is not given stays as it is."""

    title: str | None = None
    context: list[str] | None = None
    filter_action: str = ""
    expires_in: Seconds | None = None
    keywords_attributes: list[KeywordAttributes] = []


class NamedForm(Struct, kw_only=True):
    """Which post."""

    status_id: Id = 0


def add_routes(app: web.Application) -> None:
    """Add the routes of this file."""
    router, root = app.router, "/api/v2/filters"
    router.add_get(f"{root}/keywords/{{id}}", show_keyword)
    router.add_put(f"{root}/keywords/{{id}}", change_keyword)
    router.add_delete(f"{root}/keywords/{{id}}", delete_keyword)
    router.add_get(f"{root}/statuses/{{id}}", show_status)
    router.add_delete(f"{root}/statuses/{{id}}", delete_status)
    router.add_get(root, several)
    router.add_post(root, create)
    router.add_get(f"{root}/{{id}}", show)
    router.add_put(f"{root}/{{id}}", change)
    router.add_delete(f"{root}/{{id}}", delete)
    router.add_get(f"{root}/{{id}}/keywords", keywords)
    router.add_post(f"{root}/{{id}}/keywords", add_keyword)
    router.add_get(f"{root}/{{id}}/statuses", statuses)
    router.add_post(f"{root}/{{id}}/statuses", add_status)


async def several(request: web.Request) -> web.Response:
    """GET /api/v2/filters."""
    return await reading(request, filters.mine, lambda rows: [_entity(row) for row in rows])


async def show(request: web.Request) -> web.Response:
    """GET /api/v2/filters/{id}."""
    return await reading(request, _named(request), _entity)


async def keywords(request: web.Request) -> web.Response:
    """GET /api/v2/filters/{id}/keywords."""
    return await reading(request, _named(request), lambda row: _entity(row).keywords)


async def statuses(request: web.Request) -> web.Response:
    """GET /api/v2/filters/{id}/statuses."""
    return await reading(request, _named(request), lambda row: _entity(row).statuses)


async def show_keyword(request: web.Request) -> web.Response:
    """GET /api/v2/filters/keywords/{id}."""

    async def find(conn: Connection, author: Author) -> Keyword:
        return (await filters.with_keyword(conn, author, path_id(request)))[1]

    return await reading(request, find, _keyword)


async def show_status(request: web.Request) -> web.Response:
    """GET /api/v2/filters/statuses/{id}."""

    async def find(conn: Connection, author: Author) -> FilteredPost:
        return (await filters.with_post(conn, author, path_id(request)))[1]

    return await reading(request, find, _status)


async def create(request: web.Request) -> web.Response:
    """POST /api/v2/filters."""
    author = (await signed_in(request, WRITE)).author
    form = await read(request, FilterForm)

    async def make(conn: Connection) -> web.Response:
        return await _save(request, conn, author, _changed(blank(request, author), form), form)

    return await writing(request, author, make)


async def change(request: web.Request) -> web.Response:
    """PUT /api/v2/filters/{id}."""
    author = (await signed_in(request, WRITE)).author
    form = await read(request, FilterForm)

    async def make(conn: Connection) -> web.Response:
        row = await filters.require_filter(conn, author, path_id(request))
        return await _save(request, conn, author, _changed(row, form), form)

    return await writing(request, author, make)


async def delete(request: web.Request) -> web.Response:
    """DELETE /api/v2/filters/{id}."""
    author = (await signed_in(request, WRITE)).author

    async def make(conn: Connection) -> web.Response:
        await filters.delete(conn, author, path_id(request))
        return nothing()

    return await writing(request, author, make)


async def add_keyword(request: web.Request) -> web.Response:
    """POST /api/v2/filters/{id}/keywords."""
    author = (await signed_in(request, WRITE)).author
    form = await read(request, KeywordForm)
    new = _filled(Keyword(request.app[GATEWAY].site.ids.next(), "", whole_word=True), form)

    async def make(conn: Connection) -> web.Response:
        row = await filters.require_filter(conn, author, path_id(request))
        return answer(_keyword((await filters.save(conn, author, row, [new])).keywords[-1]))

    return await writing(request, author, make)


async def change_keyword(request: web.Request) -> web.Response:
    """PUT /api/v2/filters/keywords/{id}."""
    author = (await signed_in(request, WRITE)).author
    form = await read(request, KeywordForm)

    async def make(conn: Connection) -> web.Response:
        row, known = await filters.with_keyword(conn, author, path_id(request))
        await filters.save(conn, author, row, [_filled(known, form)])
        return answer(_keyword((await filters.with_keyword(conn, author, known.id))[1]))

    return await writing(request, author, make)


async def delete_keyword(request: web.Request) -> web.Response:
    """DELETE /api/v2/filters/keywords/{id}."""
    author = (await signed_in(request, WRITE)).author

    async def make(conn: Connection) -> web.Response:
        await filters.delete_keyword(conn, author, path_id(request), whole=False)
        return nothing()

    return await writing(request, author, make)


async def add_status(request: web.Request) -> web.Response:
    """POST /api/v2/filters/{id}/statuses."""
    author = (await signed_in(request, WRITE)).author
    form = await read(request, NamedForm)

    async def make(conn: Connection) -> web.Response:
        site = request.app[GATEWAY].site
        return answer(_status(await filters.add_post(conn, site, author, path_id(request), form.status_id)))

    return await writing(request, author, make)


async def delete_status(request: web.Request) -> web.Response:
    """DELETE /api/v2/filters/statuses/{id}."""
    author = (await signed_in(request, WRITE)).author

    async def make(conn: Connection) -> web.Response:
        await filters.delete_post(conn, author, path_id(request))
        return nothing()

    return await writing(request, author, make)


def blank(request: web.Request, author: Author) -> FilterRow:
    """Return a filter that is about to be filled."""
    return FilterRow(
        id=request.app[GATEWAY].site.ids.next(),
        account_id=author.id,
        title="",
        contexts=(),
        action=Action.WARN,
        irreversible=False,
        expires_at=None,
    )


def ending(row: FilterRow, expires_in: str | None) -> datetime | None:
    """Return when a filter ends, now that a request said when, or did not."""
    if expires_in is None:
        return row.expires_at
    if not expires_in:
        return None
    return datetime.now(UTC) + timedelta(seconds=min(int(expires_in), LONGEST_SECONDS))


async def reading(
    request: web.Request, find: Callable[[Connection, Author], Awaitable[T]], show_as: Callable[[T], object]
) -> web.Response:
    """Answer something of the caller's filters."""
    author = (await signed_in(request, READ)).author
    async with request.app[GATEWAY].pool.acquire() as conn:
        return answer(show_as(await find(conn, author)))


async def writing(
    request: web.Request, author: Author, make: Callable[[Connection], Awaitable[web.Response]]
) -> web.Response:
    """Change something in one transaction, and tell the author's other clients."""
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn, conn.transaction():
        made = await make(conn)
    gateway.tell(Live(filters=(author.id,)))
    return made


def _named(request: web.Request) -> Callable[[Connection, Author], Awaitable[FilterRow]]:
    async def find(conn: Connection, author: Author) -> FilterRow:
        return await filters.require_filter(conn, author, path_id(request))

    return find


async def _save(
    request: web.Request, conn: Connection, author: Author, row: FilterRow, form: FilterForm
) -> web.Response:
    known = {one.id: one for one in row.keywords}
    ids, new = request.app[GATEWAY].site.ids, []
    for one in form.keywords_attributes:
        if one.id is not None and one.id not in known:
            raise NotThere("Record not found")
        if not one.destroy:
            before = Keyword(ids.next(), "", whole_word=True) if one.id is None else known[one.id]
            new.append(_filled(before, one))
    gone = [one.id for one in form.keywords_attributes if one.destroy and one.id is not None]
    return answer(_entity(await filters.save(conn, author, row, new, gone)))


def _changed(row: FilterRow, form: FilterForm) -> FilterRow:
    action, irreversible = row.action, row.irreversible
    if form.filter_action:
        try:
            action = Action[form.filter_action.upper()]
        except KeyError:
            raise invalid("Filter action is not included in the list") from None
        irreversible = irreversible and action is Action.HIDE
    return structs.replace(
        row,
        title=row.title if form.title is None else form.title,
        contexts=row.contexts if form.context is None else tuple(form.context),
        action=action,
        irreversible=irreversible,
        expires_at=ending(row, form.expires_in),
    )


def _filled(before: Keyword, form: KeywordForm) -> Keyword:
    return Keyword(
        before.id,
        before.keyword if form.keyword is None else form.keyword,
        before.whole_word if form.whole_word is None else form.whole_word,
    )


def _keyword(one: Keyword) -> FilterKeyword:
    return FilterKeyword(id=str(one.id), keyword=one.keyword, whole_word=one.whole_word)


def _status(one: FilteredPost) -> FilterStatus:
    return FilterStatus(id=str(one.id), status_id=str(one.status_id))


def _entity(row: FilterRow) -> Filter:
    return Filter(
        **structs.asdict(matched_filter(row)),
        keywords=[_keyword(one) for one in row.keywords],
        statuses=[_status(one) for one in row.posts],
    )
