"""Tokens: codes and app credentials are exchanged for them, and they can be given back."""

import base64
import hashlib
import hmac
import secrets
from datetime import UTC, datetime

from aiohttp import web
from msgspec import Struct

from services.platform_gateway.auth import secret_hash, signed_in
from services.platform_gateway.entities.oauth import Token, UserInfo
from services.platform_gateway.errors import ApiError
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.parameters import read
from services.platform_gateway.reached import reached_origin
from services.platform_gateway.rendering.accounts import load_account
from services.platform_gateway.responses import answer, nothing
from shared.actions.scopes import covers_all, parse_scopes
from shared.database.oauth import (
    AppRow,
    CodeRow,
    app_by_client_id,
    delete_expired_codes,
    insert_token,
    revoke_token,
    take_code,
)
from shared.database.pool import Connection

_UNCACHED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class TokenForm(Struct, kw_only=True):
    """A token request (RFC 6749, sections 4.1.3 and 4.4.2; RFC 7636, section 4.5)."""

    grant_type: str = ""
    client_id: str = ""
    client_secret: str = ""
    code: str = ""
    redirect_uri: str = ""
    code_verifier: str = ""
    scope: str = ""


class RevokeForm(Struct, kw_only=True):
    """A revocation (RFC 7009, section 2.1)."""

    client_id: str = ""
    client_secret: str = ""
    token: str = ""


async def token(request: web.Request) -> web.Response:
    """POST /oauth/token."""
    form = await read(request, TokenForm)
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        app = await _authenticate(request, conn, form.client_id, form.client_secret)
        match form.grant_type:
            case "authorization_code":
                made = await _by_code(conn, app, form)
            case "client_credentials":
                made = await _by_credentials(conn, app, form)
            case _:
                raise refusal("unsupported_grant_type", "The authorization grant type is not supported.")
    return answer(made, headers=_UNCACHED)


async def revoke(request: web.Request) -> web.Response:
    """POST /oauth/revoke: a token that is unknown is as good as revoked (RFC 7009, section 2.2)."""
    form = await read(request, RevokeForm)
    async with request.app[GATEWAY].pool.acquire() as conn:
        app = await _authenticate(request, conn, form.client_id, form.client_secret, status=403)
        await revoke_token(conn, secret_hash(form.token), app.id)
    return nothing()


async def userinfo(request: web.Request) -> web.Response:
    """GET /oauth/userinfo: who is signed in."""
    author = (await signed_in(request, "profile")).author
    gateway = request.app[GATEWAY]
    async with gateway.pool.acquire() as conn:
        account = await load_account(conn, author.id, gateway.site.uris)
    return answer(
        UserInfo(
            iss=f"{reached_origin(gateway.site.uris.origin, request.host)}/",
            sub=account.uri,
            name=account.display_name,
            preferred_username=account.username,
            profile=account.url,
            picture=account.avatar,
        )
    )


def refusal(code: str, description: str, *, status: int = 400) -> ApiError:
    """Return an OAuth error (RFC 6749, section 5.2)."""
    return ApiError(status, code, description=description, headers=_UNCACHED)


async def _authenticate(
    request: web.Request, conn: Connection, client_id: str, client_secret: str, *, status: int = 401
) -> AppRow:
    """Return the app whose credentials these are, from the body or from HTTP Basic."""
    if not client_secret:
        client_id, client_secret = _basic(request) or (client_id, "")
    app = await app_by_client_id(conn, client_id)
    given = hashlib.sha256(client_secret.encode()).hexdigest()
    if app is None or not hmac.compare_digest(given, app.secret_hash):
        raise refusal("invalid_client", "Client authentication failed due to unknown client.", status=status)
    return app


def _basic(request: web.Request) -> tuple[str, str] | None:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode("ascii").partition(":")
    except ValueError:
        return None
    return (name, secret) if name.isprintable() else None


async def _by_code(conn: Connection, app: AppRow, form: TokenForm) -> Token:
    code = await take_code(conn, secret_hash(form.code), app.id)
    await delete_expired_codes(conn)
    if (
        code is None
        or code.expires_at <= datetime.now(UTC)
        or not hmac.compare_digest(code.redirect_uri.encode(), form.redirect_uri.encode())
        or not _verifies(code, form.code_verifier)
    ):
        raise refusal(
            "invalid_grant", "The provided authorization grant is invalid, expired, or was revoked."
        )
    return await _issue(conn, app, code.account_id, code.scopes)


def _verifies(code: CodeRow, verifier: str) -> bool:
    """Check the proof of possession (RFC 7636, section 4.6)."""
    if not code.code_challenge:
        # A verifier without a challenge means that somebody stripped the challenge (RFC 9700, 2.1.1).
        return not verifier
    digest = hashlib.sha256(verifier.encode()).digest()
    expected = base64.urlsafe_b64encode(digest).rstrip(b"=")
    return hmac.compare_digest(expected, code.code_challenge.encode())


async def _by_credentials(conn: Connection, app: AppRow, form: TokenForm) -> Token:
    scopes = parse_scopes(form.scope or "read")
    if not covers_all(app.scopes, scopes):
        raise refusal("invalid_scope", "The requested scope is invalid, unknown, or malformed.")
    return await _issue(conn, app, None, scopes)


async def _issue(conn: Connection, app: AppRow, account_id: int | None, scopes: tuple[str, ...]) -> Token:
    secret = secrets.token_urlsafe(32)
    made = await insert_token(conn, secret_hash(secret), app_id=app.id, account_id=account_id, scopes=scopes)
    return Token(access_token=secret, scope=" ".join(scopes), created_at=int(made.timestamp()))
