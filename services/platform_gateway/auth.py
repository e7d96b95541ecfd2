"""Who is calling: bearer tokens and their scopes (RFC 6750)."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final

from aiohttp import web
from msgspec import Struct

from services.platform_gateway.errors import ApiError
from services.platform_gateway.gateway import GATEWAY
from shared.actions.scopes import covers
from shared.database.authors import Author, touch
from shared.database.oauth import AppRow, TokenRow, token_by_hash

ACTIVE_EVERY = timedelta(minutes=10)
"""How often at most an account's last activity is written down."""

_READER: Final = web.RequestKey("reader", object)


class Caller(Struct, frozen=True, kw_only=True):
    """A signed-in person, and the app they use."""

    author: Author
    app: AppRow | None


def secret_hash(secret: str) -> bytes:
    """Return what is stored of a token or a code: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


async def signed_in(request: web.Request, scope: str = "") -> Caller:
    """Return the person who calls, or end the request: 401 without a token, 403 without the scope."""
    token = await token_of(request)
    if token is None:
        raise unauthorized()
    if scope and not covers(token.scopes, scope):
        raise ApiError(403, "This action is outside the authorized scopes")
    if token.author is None:
        raise ApiError(422, "This method requires an authenticated user")
    return Caller(author=token.author, app=token.app)


async def visitor(request: web.Request, scope: str = "") -> Author | None:
    """Return the person who calls where there is one: for what everybody may read."""
    token = await token_of(request)
    if token is None:
        return None
    if scope and not covers(token.scopes, scope):
        raise ApiError(403, "This action is outside the authorized scopes")
    return token.author


def reader_of(request: web.Request) -> Author | None:
    """Return the person whose token the request was let in with."""
    reader = request.get(_READER)
    return reader if isinstance(reader, Author) else None


def unauthorized() -> ApiError:
    """Return the answer to a missing, wrong or revoked token."""
    return ApiError(
        401,
        "The access token is invalid",
        headers={"WWW-Authenticate": 'Bearer realm="Heddle", error="invalid_token"'},
    )


async def token_of(request: web.Request) -> TokenRow | None:
    """Return the token of the request; None where there is none, 401 where it opens nothing."""
    secret = bearer_of(request)
    return None if secret is None else await token_of_secret(request, secret)


def bearer_of(request: web.Request) -> str | None:
    """Return the secret in the header, if there is one."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret if scheme.lower() == "bearer" else None


async def token_of_secret(request: web.Request, secret: str) -> TokenRow:
    """Return the token of a secret, or end the request with 401 where it opens nothing."""
    if not (secret.isascii() and secret.isprintable()):
        raise unauthorized()
    async with request.app[GATEWAY].pool.acquire() as conn:
        token = await token_by_hash(conn, secret_hash(secret.strip()))
        if token is None:
            raise unauthorized()
        if token.author is not None and _stale(token.author.last_active_at):
            await touch(conn, token.author.id)
    request[_READER] = token.author
    return token


def _stale(last_active_at: datetime | None) -> bool:
    return last_active_at is None or datetime.now(UTC) - last_active_at > ACTIVE_EVERY
