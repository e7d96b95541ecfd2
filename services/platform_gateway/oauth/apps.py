"""Registration of apps, as the client API has it."""

import hashlib
import secrets

from aiohttp import web
from msgspec import UNSET, Struct

from services.platform_gateway.auth import token_of, unauthorized
from services.platform_gateway.entities.oauth import App
from services.platform_gateway.errors import invalid
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.oauth.redirects import is_acceptable
from services.platform_gateway.parameters import read
from services.platform_gateway.responses import answer
from shared.actions.scopes import parse_scopes
from shared.database.oauth import AppRow, insert_app

MAX_NAME = 60
MAX_REDIRECTS = 20
MAX_WEBSITE = 2000


class AppForm(Struct, kw_only=True):
    """What an app says of itself."""

    client_name: str = ""
    redirect_uris: list[str] = []
    scopes: str = ""
    website: str = ""


async def register(request: web.Request) -> web.Response:
    """POST /api/v1/apps: register an app; its secret is shown this once."""
    form = await read(request, AppForm)
    gateway = request.app[GATEWAY]
    secret = secrets.token_urlsafe(32)
    app = AppRow(
        id=gateway.site.ids.next(),
        client_id=secrets.token_urlsafe(32),
        secret_hash=hashlib.sha256(secret.encode()).hexdigest(),
        name=_name(form.client_name),
        redirect_uris=_redirects(form.redirect_uris),
        scopes=parse_scopes(form.scopes),
        website=_website(form.website),
    )
    async with gateway.pool.acquire() as conn:
        await insert_app(conn, app)
    return answer(_entity(app, secret))


async def verify_credentials(request: web.Request) -> web.Response:
    """GET /api/v1/apps/verify_credentials: the app that a token belongs to."""
    token = await token_of(request)
    if token is None or token.app is None:
        raise unauthorized()
    return answer(_entity(token.app))


def _name(name: str) -> str:
    if not name.strip():
        raise invalid("Application name can't be blank")
    if len(name) > MAX_NAME:
        raise invalid(f"Application name is too long (maximum is {MAX_NAME} characters)")
    return name.strip()


def _redirects(given: list[str]) -> tuple[str, ...]:
    uris = tuple(dict.fromkeys(uri for item in given for uri in item.split()))
    if not uris:
        raise invalid("Redirect URI can't be blank")
    if len(uris) > MAX_REDIRECTS or not all(is_acceptable(uri) for uri in uris):
        raise invalid("Redirect URI must be an absolute URI")
    return uris


def _website(website: str) -> str:
    if website and (not website.startswith(("https://", "http://")) or len(website) > MAX_WEBSITE):
        raise invalid("Website must be a valid URL")
    return website


def _entity(app: AppRow, secret: str = "") -> App:
    return App(
        id=str(app.id),
        name=app.name,
        website=app.website or None,
        scopes=list(app.scopes),
        redirect_uri="\n".join(app.redirect_uris),
        redirect_uris=list(app.redirect_uris),
        client_id=app.client_id if secret else UNSET,
        client_secret=secret or UNSET,
        client_secret_expires_at=0 if secret else UNSET,
    )
