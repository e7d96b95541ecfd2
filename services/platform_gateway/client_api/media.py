"""Media: uploading pictures, describing them."""

from aiohttp import web
from msgspec import UNSET, Struct, UnsetType

from services.platform_gateway.auth import signed_in
from services.platform_gateway.client_api.drafts import focus_of
from services.platform_gateway.errors import invalid
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.media.uploads import UPLOADS
from services.platform_gateway.parameters import path_id
from services.platform_gateway.rendering.media import attachment as attachment_entity
from services.platform_gateway.responses import answer
from shared.actions import media
from shared.actions.media import attachment
from shared.database.media import MediaRow

_FILES = frozenset({"file", "thumbnail"})


class MediaForm(Struct, kw_only=True):
    """What is said of a picture; `focus` is `x,y`, each from -1 to 1."""

    description: str | UnsetType = UNSET
    focus: str | UnsetType = UNSET


def add_routes(app: web.Application) -> None:
    """Add the routes of this file."""
    app.router.add_post("/api/v1/media", upload)
    app.router.add_post("/api/v2/media", upload)
    app.router.add_get("/api/v1/media/{id}", show)
    app.router.add_put("/api/v1/media/{id}", change)


async def upload(request: web.Request) -> web.Response:
    """POST /api/v2/media, and of version 1: the picture is ready when this answers."""
    author = (await signed_in(request, "write:media")).author
    form, files = await request.app[UPLOADS].read(request, MediaForm, _FILES)
    if not files.get("file"):
        raise invalid("File can't be blank")
    picture = await request.app[UPLOADS].picture(files["file"])
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn, conn.transaction():
        row = await media.keep(
            conn,
            gateway.site,
            author,
            picture,
            description="" if form.description is UNSET else form.description,
            focus=None if form.focus is UNSET else focus_of(form.focus),
        )
    return _answer(request, row)


async def show(request: web.Request) -> web.Response:
    """GET /api/v1/media/{id}: a picture of one's own."""
    author = (await signed_in(request, "write:media")).author
    async with request.app[GATEWAY].pool.acquire() as conn, conn.transaction():
        return _answer(request, await media.own(conn, author, path_id(request)))


async def change(request: web.Request) -> web.Response:
    """PUT /api/v1/media/{id}: until it hangs on a post; later the post is edited."""
    author = (await signed_in(request, "write:media")).author
    form, _ = await request.app[UPLOADS].read(request, MediaForm, _FILES)
    focus = UNSET if form.focus is UNSET else focus_of(form.focus)
    said = media.Description(id=path_id(request), text=form.description, focus=focus)
    async with request.app[GATEWAY].pool.acquire() as conn, conn.transaction():
        row = await media.own(conn, author, said.id)
        if row.status_id is not None:
            raise invalid("Media is on a post already: edit the post")
        await media.say(conn, author, [said])
        return _answer(request, await media.own(conn, author, row.id))


def _answer(request: web.Request, row: MediaRow) -> web.Response:
    return answer(attachment_entity(str(row.id), attachment(request.app[GATEWAY].site, row)))
