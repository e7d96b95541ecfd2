"""What a client keeps here for its person: markers and preferences."""

from datetime import UTC, datetime

from aiohttp import web
from msgspec import Struct, field

from services.platform_gateway.auth import signed_in
from services.platform_gateway.entities import timestamp
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.parameters import Id, read
from services.platform_gateway.rendering.accounts import PRIVACY, QUOTE_POLICY_NAMES
from services.platform_gateway.responses import answer
from shared.database import api_notifications
from shared.database.api_notifications import Markers
from shared.protocol.identifiers import milliseconds_of


class MarkerForm(Struct, kw_only=True):
    """How far one timeline was read."""

    last_read_id: Id | None = None


class MarkersForm(Struct, kw_only=True):
    """How far timelines were read."""

    home: MarkerForm = field(default_factory=MarkerForm)
    notifications: MarkerForm = field(default_factory=MarkerForm)


class WantedForm(Struct, kw_only=True):
    """Which markers are asked for."""

    timeline: list[str] = []


class Marker(Struct, kw_only=True):
    """https://docs.joinmastodon.org/entities/Marker/."""

    last_read_id: str
    version: int
    updated_at: str


class Preferences(Struct, kw_only=True, rename=lambda name: name.replace("__", ":").replace("_", "-")):
    """https://docs.joinmastodon.org/entities/Preferences/."""

    posting__default__visibility: str
    posting__default__sensitive: bool
    posting__default__language: str | None
    posting__default__quote_policy: str = field(name="posting:default:quote_policy")
    reading__expand__media: str = "default"
    reading__expand__spoilers: bool = False
    reading__autoplay__gifs: bool = False


def add_routes(app: web.Application) -> None:
    """Add the routes of this file."""
    app.router.add_get("/api/v1/markers", markers)
    app.router.add_post("/api/v1/markers", move_markers)
    app.router.add_get("/api/v1/preferences", preferences)


async def markers(request: web.Request) -> web.Response:
    """GET /api/v1/markers?timeline[]=."""
    author = (await signed_in(request, "read:statuses")).author
    form = await read(request, WantedForm)
    async with request.app[GATEWAY].pool.acquire() as conn:
        known = await api_notifications.markers(conn, author.id)
    return answer({name: marker for name, marker in _entities(known).items() if name in form.timeline})


async def move_markers(request: web.Request) -> web.Response:
    """POST /api/v1/markers."""
    author = (await signed_in(request, "write:statuses")).author
    form = await read(request, MarkersForm)
    moved = {"home": form.home.last_read_id, "notifications": form.notifications.last_read_id}
    async with request.app[GATEWAY].pool.acquire() as conn:
        await api_notifications.move_markers(conn, author.id, moved["home"], moved["notifications"])
        known = await api_notifications.markers(conn, author.id)
    return answer({name: marker for name, marker in _entities(known).items() if moved[name] is not None})


async def preferences(request: web.Request) -> web.Response:
    """GET /api/v1/preferences."""
    author = (await signed_in(request, "read:accounts")).author
    return answer(
        Preferences(
            posting__default__visibility=PRIVACY[author.default_visibility],
            posting__default__sensitive=author.default_sensitive,
            posting__default__language=author.default_language,
            posting__default__quote_policy=QUOTE_POLICY_NAMES[author.default_quote_policy],
        )
    )


def _entities(known: Markers) -> dict[str, Marker]:
    ids = {"home": known.home, "notifications": known.notifications}
    return {
        name: Marker(last_read_id=str(mark), version=0, updated_at=timestamp(_moment(mark)))
        for name, mark in ids.items()
        if mark
    }


def _moment(identifier: int) -> datetime:
    return datetime.fromtimestamp(milliseconds_of(identifier) / 1000, UTC)
