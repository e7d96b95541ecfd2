"""The sign-in page: a person lets an app act for them (RFC 6749, section 4.1)."""

import secrets
from datetime import UTC, datetime, timedelta

from aiohttp import web

from services.platform_gateway.auth import secret_hash
from services.platform_gateway.gateway import GATEWAY, Gateway
from services.platform_gateway.oauth import forgery
from services.platform_gateway.oauth.redirects import OUT_OF_BAND, form_target, with_answer
from services.platform_gateway.oauth.request import Asked, AuthorizeForm, BadAuthorization, check
from services.platform_gateway.oauth.sign_in import SLOTS, TooManyAttempts, account_for
from services.platform_gateway.pages.rendering import render
from services.platform_gateway.parameters import read
from shared.database.oauth import CodeRow, insert_code

CODE_LIFETIME = timedelta(minutes=10)

_MEANING = {
    "profile": "See your name and picture",
    "read": "Read everything your account can see",
    "write": "Post, edit and delete, and change your profile",
    "follow": "Follow, mute and block accounts",
    "push": "Send you push notifications",
}


class SignInForm(AuthorizeForm, kw_only=True):
    """The request again, with what the person typed."""

    username: str = ""
    password: str = ""
    token: str = ""
    decision: str = ""


async def show(request: web.Request) -> web.Response:
    """GET /oauth/authorize: ask the person."""
    form = await read(request, AuthorizeForm)
    try:
        asked = await _check(request, form)
    except BadAuthorization as error:
        return _refused(request, error)
    return _page(request, asked)


async def decide(request: web.Request) -> web.Response:
    """POST /oauth/authorize: the person signed in, or turned the app away."""
    form = await read(request, SignInForm)
    gateway = request.app[GATEWAY]
    try:
        asked = await _check(request, form)
    except BadAuthorization as error:
        return _refused(request, error)
    if not forgery.is_genuine(request, gateway.settings.secret_key, form.token, asked.signable()):
        return _page(request, asked, problem="This page had expired. Please try again.", status=403)
    if form.decision == "deny":
        return _denied(request, asked)
    return await _sign_in(request, asked, form)


async def _check(request: web.Request, form: AuthorizeForm) -> Asked:
    async with request.app[GATEWAY].pool.acquire() as conn:
        return await check(conn, form)


async def _sign_in(request: web.Request, asked: Asked, form: SignInForm) -> web.Response:
    gateway = request.app[GATEWAY]
    name = form.username.strip().removeprefix("@").partition("@")[0]
    try:
        account_id = await account_for(
            gateway.pool, request.app[SLOTS], name=name, password=form.password, address=_address(request)
        )
    except TooManyAttempts:
        problem = "Too many attempts. Please wait a quarter of an hour."
        return _page(request, asked, name=form.username, problem=problem, status=429)
    if account_id is None:
        problem = "Name and password do not fit together."
        return _page(request, asked, name=form.username, problem=problem, status=401)
    code = await _give_code(gateway, asked, account_id)
    if asked.redirect_uri == OUT_OF_BAND:
        return render(request, "oauth/code.html", {"title": "Signed in", "app": asked.app.name, "code": code})
    return _redirect(with_answer(asked.redirect_uri, {"code": code, "state": asked.state}))


async def _give_code(gateway: Gateway, asked: Asked, account_id: int) -> str:
    code = secrets.token_urlsafe(32)
    row = CodeRow(
        app_id=asked.app.id,
        account_id=account_id,
        redirect_uri=asked.redirect_uri,
        scopes=asked.scopes,
        code_challenge=asked.code_challenge,
        expires_at=datetime.now(UTC) + CODE_LIFETIME,
    )
    async with gateway.pool.acquire() as conn:
        await insert_code(conn, secret_hash(code), row)
    return code


def _denied(request: web.Request, asked: Asked) -> web.Response:
    if asked.redirect_uri == OUT_OF_BAND:
        return _refused(request, BadAuthorization("You turned the app away."), status=200)
    answer = {
        "error": "access_denied",
        "error_description": "The resource owner denied the request.",
        "state": asked.state,
    }
    return _redirect(with_answer(asked.redirect_uri, answer))


def _page(
    request: web.Request, asked: Asked, *, name: str = "", problem: str = "", status: int = 200
) -> web.Response:
    gateway = request.app[GATEWAY]
    cookie = forgery.issue(request)
    context = {
        "title": f"Sign in to {gateway.site.uris.account_domain}",
        "asked": asked,
        "scope": " ".join(asked.scopes),
        "meanings": [_MEANING.get(scope, scope) for scope in asked.scopes],
        "name": name,
        "problem": problem,
        "token": forgery.seal(gateway.settings.secret_key, cookie, asked.signable()),
    }
    response = render(
        request,
        "oauth/authorize.html",
        context,
        status=status,
        form_targets=form_target(asked.redirect_uri),
    )
    forgery.keep(response, cookie, secure=gateway.site.uris.origin.startswith("https://"))
    return response


def _refused(request: web.Request, error: BadAuthorization, *, status: int = 400) -> web.Response:
    context = {"title": "Nothing was authorized", "reason": str(error)}
    return render(request, "oauth/refused.html", context, status=status)


def _redirect(location: str) -> web.Response:
    # 303, not 302: the browser must not post the password again to the app.
    return web.Response(status=303, headers={"Location": location, "Cache-Control": "no-store"})


def _address(request: web.Request) -> str:
    """Return the browser's address as the front in front of us saw it."""
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return forwarded or request.remote or ""
