"""Posts: reading them, writing them, and the thread around one."""

import asyncio

from aiohttp import web
from msgspec import Struct

from services.platform_gateway.auth import Caller, signed_in, visitor
from services.platform_gateway.backfill import BACKFILL, DEEPEST, Backfill
from services.platform_gateway.backfill_below import BACKFILL_BELOW, BackfillBelow
from services.platform_gateway.client_api.drafts import (
    EditForm,
    StatusForm,
    draft_of,
    refuse_extras,
    revision_of,
)
from services.platform_gateway.client_api.lists import answer_accounts
from services.platform_gateway.entities.statuses import Context, StatusSource
from services.platform_gateway.errors import ApiError, not_found
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.pagination import PageForm
from services.platform_gateway.parameters import Id, path_id, read
from services.platform_gateway.rendering.filtering import mark_filtered
from services.platform_gateway.rendering.statuses import (
    edits,
    load_status,
    load_statuses,
    require_seen,
    require_visible,
    show_seen,
)
from services.platform_gateway.responses import answer
from shared.actions import posts
from shared.actions.mentions import resolve_mentions
from shared.database import api_relations, idempotency
from shared.database.api_statuses import edits_of
from shared.database.api_threads import ancestors, descendants
from shared.database.visible import visible_to

MAX_IDS = 100
MAX_KEY = 255
THREAD_SIGNED_IN = (4096, 4096, 100)
THREAD_VISITOR = (40, 60, 20)
"""Ancestors, descendants, and how deep the latter go."""


class DeleteForm(Struct, kw_only=True):
    """Whether the media go with the post, or wait for it to be written anew."""

    delete_media: bool = False


class IdsForm(Struct, kw_only=True):
    """Several posts."""

    id: list[Id] = []


def add_routes(app: web.Application) -> None:
    """Add the routes of this file."""
    app[BACKFILL] = Backfill(app[GATEWAY])
    app[BACKFILL_BELOW] = BackfillBelow(app[GATEWAY])
    app.router.add_get("/api/v1/statuses", several)
    app.router.add_post("/api/v1/statuses", create)
    app.router.add_get("/api/v1/statuses/{id}", show)
    app.router.add_put("/api/v1/statuses/{id}", edit)
    app.router.add_delete("/api/v1/statuses/{id}", delete)
    app.router.add_get("/api/v1/statuses/{id}/context", context)
    app.router.add_get("/api/v1/statuses/{id}/source", source)
    app.router.add_get("/api/v1/statuses/{id}/history", history)
    app.router.add_get("/api/v1/statuses/{id}/favourited_by", favourited_by)
    app.router.add_get("/api/v1/statuses/{id}/reblogged_by", reblogged_by)


async def show(request: web.Request) -> web.Response:
    """GET /api/v1/statuses/{id}."""
    viewer = await visitor(request, "read:statuses")
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        viewer_id = viewer.id if viewer else None
        status = await load_status(conn, path_id(request), viewer_id, gateway.site.uris)
        await mark_filtered(conn, viewer, [status])
    return answer(status)


async def several(request: web.Request) -> web.Response:
    """GET /api/v1/statuses?id[]=: several at once, those not for the viewer left out."""
    viewer = await visitor(request, "read:statuses")
    form = await read(request, IdsForm)
    viewer_id = viewer.id if viewer else None
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        seen = await visible_to(conn, viewer_id, form.id[:MAX_IDS])
        ids = [one for one in dict.fromkeys(form.id) if one in seen]
        statuses = await load_statuses(conn, ids, viewer_id, gateway.site.uris)
        await mark_filtered(conn, viewer, statuses)
    return answer(statuses)


async def create(request: web.Request) -> web.Response:
    """POST /api/v1/statuses; the same Idempotency-Key gives the same post."""
    caller = await signed_in(request, "write:statuses")
    form = await read(request, StatusForm)
    refuse_extras(form)
    draft = draft_of(form, caller.author, caller.app.name if caller.app else "")
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > MAX_KEY or not key.isprintable():
        raise ApiError(422, "Validation failed: Idempotency-Key is too long or not printable")
    status_id = await _publish(request, caller, draft, key)
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        return answer(await load_status(conn, status_id, caller.author.id, gateway.site.uris))


async def _publish(request: web.Request, caller: Caller, draft: posts.Draft, key: str) -> int:
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        known = await idempotency.status_of(conn, caller.author.id, key) if key else None
        if known is not None:
            return known
    # Before the transaction: other servers may take their time, a connection to the database must not.
    mentioned = await resolve_mentions(gateway.pool, gateway.site, gateway.resolver.acct, draft.text)
    async with gateway.pool.acquire() as conn, conn.transaction():
        if key:
            status_id = gateway.site.ids.next()
            known = await idempotency.claim(conn, caller.author.id, key, status_id)
            if known is not None:
                return known
            return await posts.publish(
                conn, gateway.site, caller.author, draft, mentioned, status_id=status_id
            )
        return await posts.publish(conn, gateway.site, caller.author, draft, mentioned)


async def edit(request: web.Request) -> web.Response:
    """PUT /api/v1/statuses/{id}."""
    author = (await signed_in(request, "write:statuses")).author
    status_id = path_id(request)
    form = await read(request, EditForm)
    refuse_extras(form)
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        row = await require_visible(conn, status_id, author.id)
    revision = revision_of(form, row)
    mentioned = await resolve_mentions(gateway.pool, gateway.site, gateway.resolver.acct, revision.text)
    async with gateway.pool.acquire() as conn:
        async with conn.transaction():
            await posts.edit(conn, gateway.site, author, revision, mentioned, status_id=status_id)
        return answer(await load_status(conn, status_id, author.id, gateway.site.uris))


async def delete(request: web.Request) -> web.Response:
    """DELETE /api/v1/statuses/{id}; answers with what was written, so that it can be written anew."""
    author = (await signed_in(request, "write:statuses")).author
    form = await read(request, DeleteForm)
    status_id = path_id(request)
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        seen = await require_seen(conn, status_id, author.id)
        row = seen.rows[status_id]
        if row.actor_id != author.id or row.reblog_of_id is not None:
            raise not_found()
        entity = await show_seen(conn, seen, status_id, author.id, gateway.site.uris)
        async with conn.transaction():
            await posts.delete(conn, gateway.site, author, status_id, with_media=form.delete_media)
    entity.text = row.source
    return answer(entity)


async def context(request: web.Request) -> web.Response:
    """GET /api/v1/statuses/{id}/context; for somebody signed in, what is missing is fetched."""
    viewer = await visitor(request, "read:statuses")
    viewer_id = viewer.id if viewer else None
    status_id = path_id(request)
    up, down, depth = THREAD_SIGNED_IN if viewer else THREAD_VISITOR
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        row = await require_visible(conn, status_id, viewer_id)
    root = row.reblog_of_id or status_id
    if viewer is not None:
        await _complete(request, root)
    async with gateway.pool.acquire() as conn:
        above = await ancestors(conn, root, up)
        below = await descendants(conn, root, down, depth)
        seen = await visible_to(conn, viewer_id, [*above, *below])
        loaded = await load_statuses(
            conn, [one for one in (*above, *below) if one in seen], viewer_id, gateway.site.uris
        )
        await mark_filtered(conn, viewer, loaded)
    before = {str(one) for one in above}
    return answer(
        Context(
            ancestors=[status for status in loaded if status.id in before],
            descendants=[status for status in loaded if status.id not in before],
        )
    )


async def _complete(request: web.Request, root: int) -> None:
    """Have the posts above and below fetched that are not here; no connection is held meanwhile."""
    async with request.app[GATEWAY].pool.acquire() as conn:
        above = await ancestors(conn, root, DEEPEST)
    await asyncio.gather(
        request.app[BACKFILL].above([*above, root][0], len(above)),
        request.app[BACKFILL_BELOW].below(root),
    )


async def source(request: web.Request) -> web.Response:
    """GET /api/v1/statuses/{id}/source: what was written, for its author."""
    author = (await signed_in(request, "read:statuses")).author
    async with request.app[GATEWAY].pool.acquire() as conn:
        row = await require_visible(conn, path_id(request), author.id)
    if row.actor_id != author.id:
        raise not_found()
    return answer(StatusSource(id=str(row.id), text=row.source, spoiler_text=row.spoiler_text))


async def history(request: web.Request) -> web.Response:
    """GET /api/v1/statuses/{id}/history: every version, the oldest first."""
    viewer = await visitor(request, "read:statuses")
    viewer_id = viewer.id if viewer else None
    status_id = path_id(request)
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        seen = await require_seen(conn, status_id, viewer_id)
        entity = await show_seen(conn, seen, status_id, viewer_id, gateway.site.uris)
        earlier = await edits_of(conn, status_id)
    return answer(edits(entity, seen.rows[status_id], earlier))


async def favourited_by(request: web.Request) -> web.Response:
    """GET /api/v1/statuses/{id}/favourited_by."""
    viewer = await visitor(request, "read:statuses")
    page = (await read(request, PageForm)).page(40, 80)
    async with request.app[GATEWAY].pool.acquire() as conn:
        row = await require_visible(conn, path_id(request), viewer.id if viewer else None)
        rows = await api_relations.favourited_by(conn, row.reblog_of_id or row.id, page)
        return await answer_accounts(request, conn, page, rows)


async def reblogged_by(request: web.Request) -> web.Response:
    """GET /api/v1/statuses/{id}/reblogged_by."""
    viewer = await visitor(request, "read:statuses")
    page = (await read(request, PageForm)).page(40, 80)
    async with request.app[GATEWAY].pool.acquire() as conn:
        row = await require_visible(conn, path_id(request), viewer.id if viewer else None)
        rows = await api_relations.reblogged_by(conn, row.reblog_of_id or row.id, page)
        return await answer_accounts(request, conn, page, rows)
