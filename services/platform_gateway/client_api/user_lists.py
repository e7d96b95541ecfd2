"""Lists: some of those whom the caller follows, read apart."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from msgspec import Struct

from services.platform_gateway.auth import signed_in
from services.platform_gateway.client_api.lists import answer_accounts, answer_statuses
from services.platform_gateway.entities.lists import UserList
from services.platform_gateway.errors import invalid
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.pagination import PageForm
from services.platform_gateway.parameters import Id, path_id, read
from services.platform_gateway.responses import answer, nothing
from shared.actions import lists
from shared.database import api_home
from shared.database import lists as table
from shared.database.authors import Author
from shared.database.lists import ListRow, Replies
from shared.database.pool import Connection

DEFAULT_LIMIT, MAX_LIMIT = 40, 80
POSTS, MAX_POSTS = 20, 40


class ListForm(Struct, kw_only=True):
    """What a list is; what is not given stays as it is."""

    title: str | None = None
    replies_policy: str = ""
    exclusive: bool | None = None

    @property
    def replies(self) -> Replies | None:
        """The policy that is asked for; ends the request where there is no such."""
        if not self.replies_policy:
            return None
        try:
            return Replies[self.replies_policy.upper()]
        except KeyError:
            raise invalid("Replies policy is not included in the list") from None


class MembersForm(Struct, kw_only=True):
    """Which accounts come or go."""

    account_ids: list[Id] = []


def add_routes(app: web.Application) -> None:
    """Add the routes of this file."""
    app.router.add_get("/api/v1/lists", several)
    app.router.add_post("/api/v1/lists", create)
    app.router.add_get("/api/v1/lists/{id}", show)
    app.router.add_put("/api/v1/lists/{id}", change)
    app.router.add_delete("/api/v1/lists/{id}", delete)
    app.router.add_get("/api/v1/lists/{id}/accounts", members)
    app.router.add_post("/api/v1/lists/{id}/accounts", add)
    app.router.add_delete("/api/v1/lists/{id}/accounts", take_out)
    app.router.add_get("/api/v1/accounts/{id}/lists", containing)
    app.router.add_get("/api/v1/timelines/list/{id}", timeline)


def _entity(row: ListRow) -> UserList:
    return UserList(
        id=str(row.id), title=row.title, replies_policy=row.replies.name.lower(), exclusive=row.exclusive
    )


async def several(request: web.Request) -> web.Response:
    """GET /api/v1/lists."""
    author = (await signed_in(request, "read:lists")).author
    async with request.app[GATEWAY].pool.acquire() as conn:
        return answer([_entity(row) for row in await table.of_account(conn, author.id)])


async def containing(request: web.Request) -> web.Response:
    """GET /api/v1/accounts/{id}/lists: those of the caller's lists that an account is in."""
    author = (await signed_in(request, "read:lists")).author
    async with request.app[GATEWAY].pool.acquire() as conn:
        rows = await table.containing(conn, author.id, path_id(request))
    return answer([_entity(row) for row in rows])


async def show(request: web.Request) -> web.Response:
    """GET /api/v1/lists/{id}."""
    author = (await signed_in(request, "read:lists")).author
    async with request.app[GATEWAY].pool.acquire() as conn:
        return answer(_entity(await lists.require_list(conn, author, path_id(request))))


async def create(request: web.Request) -> web.Response:
    """POST /api/v1/lists."""
    form = await read(request, ListForm)

    async def make(conn: Connection, author: Author) -> web.Response:
        replies = Replies.LIST if form.replies is None else form.replies
        site, exclusive = request.app[GATEWAY].site, bool(form.exclusive)
        row = await lists.create(conn, site, author, form.title or "", replies, exclusive=exclusive)
        return answer(_entity(row))

    return await _write(request, make)


async def change(request: web.Request) -> web.Response:
    """PUT /api/v1/lists/{id}."""
    form = await read(request, ListForm)

    async def make(conn: Connection, author: Author) -> web.Response:
        row = await lists.change(
            conn,
            author,
            path_id(request),
            title=form.title,
            replies=form.replies,
            exclusive=form.exclusive,
        )
        return answer(_entity(row))

    return await _write(request, make)


async def delete(request: web.Request) -> web.Response:
    """DELETE /api/v1/lists/{id}."""

    async def make(conn: Connection, author: Author) -> web.Response:
        await lists.delete(conn, author, path_id(request))
        return nothing()

    return await _write(request, make)


async def members(request: web.Request) -> web.Response:
    """GET /api/v1/lists/{id}/accounts; a limit of 0 means all."""
    author = (await signed_in(request, "read:lists")).author
    form = await read(request, PageForm)
    every = form.limit == 0
    page = form.page(
        lists.MOST_MEMBERS if every else DEFAULT_LIMIT, lists.MOST_MEMBERS if every else MAX_LIMIT
    )
    async with request.app[GATEWAY].pool.acquire() as conn:
        row = await lists.require_list(conn, author, path_id(request))
        return await answer_accounts(request, conn, page, await table.members(conn, row.id, page))


async def add(request: web.Request) -> web.Response:
    """POST /api/v1/lists/{id}/accounts."""
    form = await read(request, MembersForm)

    async def make(conn: Connection, author: Author) -> web.Response:
        await lists.add(conn, request.app[GATEWAY].site, author, path_id(request), form.account_ids)
        return nothing()

    return await _write(request, make)


async def take_out(request: web.Request) -> web.Response:
    """DELETE /api/v1/lists/{id}/accounts."""
    form = await read(request, MembersForm)

    async def make(conn: Connection, author: Author) -> web.Response:
        await lists.take_out(conn, author, path_id(request), form.account_ids)
        return nothing()

    return await _write(request, make)


async def timeline(request: web.Request) -> web.Response:
    """GET /api/v1/timelines/list/{id}."""
    author = (await signed_in(request, "read:lists")).author
    page = (await read(request, PageForm)).page(POSTS, MAX_POSTS)
    async with request.app[GATEWAY].pool.acquire() as conn:
        row = await lists.require_list(conn, author, path_id(request))
        ids = await api_home.of_list(conn, row.id, page)
        return await answer_statuses(request, conn, page, ids, author.id)


async def _write(
    request: web.Request, make: Callable[[Connection, Author], Awaitable[web.Response]]
) -> web.Response:
    author = (await signed_in(request, "write:lists")).author
    async with request.app[GATEWAY].pool.acquire() as conn, conn.transaction():
        return await make(conn, author)
