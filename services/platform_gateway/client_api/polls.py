"""Polls: looking at them and voting."""

from aiohttp import web
from msgspec import Struct

from services.platform_gateway.auth import signed_in, visitor
from services.platform_gateway.entities.statuses import Poll
from services.platform_gateway.errors import not_found
from services.platform_gateway.gateway import GATEWAY, Gateway
from services.platform_gateway.parameters import path_id, read
from services.platform_gateway.rendering.statuses import load_status
from services.platform_gateway.responses import answer
from shared.actions.polls import vote


class VoteForm(Struct, kw_only=True):
    """Which options are chosen, counted from 0."""

    choices: list[int] = []


def add_routes(app: web.Application) -> None:
    """Add the routes of this file."""
    app.router.add_get("/api/v1/polls/{id}", show)
    app.router.add_post("/api/v1/polls/{id}/votes", cast)


async def show(request: web.Request) -> web.Response:
    """GET /api/v1/polls/{id}: a poll has the id of its post."""
    viewer = await visitor(request, "read:statuses")
    poll = await _poll(request.app[GATEWAY], path_id(request), viewer.id if viewer else None)
    return answer(poll)


async def cast(request: web.Request) -> web.Response:
    """POST /api/v1/polls/{id}/votes: answers with the poll as it is then."""
    author = (await signed_in(request, "write:statuses")).author
    form = await read(request, VoteForm)
    status_id = path_id(request)
    gateway = request.app[GATEWAY]
    await _poll(gateway, status_id, author.id)
    async with gateway.pool.acquire() as conn, conn.transaction():
        await vote(conn, gateway.site, author, status_id, form.choices)
    return answer(await _poll(gateway, status_id, author.id))


async def _poll(gateway: Gateway, status_id: int, viewer_id: int | None) -> Poll:
    async with gateway.pool.acquire() as conn:
        status = await load_status(conn, status_id, viewer_id, gateway.site.uris)
    if status.poll is None:
        raise not_found()
    return status.poll
