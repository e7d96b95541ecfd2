"""Proof that a sign-in form was filled in on the page that we served for this very request.

The browser keeps a random cookie; the form carries its HMAC together with what is being authorized. Another
site can make the browser post, but knows neither.
"""

import hashlib
import hmac
import secrets

from aiohttp import web

COOKIE = "heddle_sign_in"
LIFETIME = 1800
"""Seconds that a served form stays usable."""


def issue(request: web.Request) -> str:
    """Return the browser's cookie, a fresh one where it has none."""
    known = request.cookies.get(COOKIE, "")
    return known if 20 <= len(known) <= 100 and known.isascii() else secrets.token_urlsafe(32)  # noqa: PLR2004 - a shape


def keep(response: web.Response, cookie: str, *, secure: bool) -> None:
    """Let the browser keep the cookie; scripts never see it, other sites never send it."""
    response.set_cookie(
        COOKIE, cookie, max_age=LIFETIME, path="/oauth", httponly=True, samesite="Lax", secure=secure
    )


def seal(secret_key: str, cookie: str, bound_to: str) -> str:
    """Return the form's token."""
    key = hashlib.sha256(b"heddle sign-in form\0" + secret_key.encode()).digest()
    return hmac.new(key, f"{cookie}\n{bound_to}".encode(), hashlib.sha256).hexdigest()


def is_genuine(request: web.Request, secret_key: str, token: str, bound_to: str) -> bool:
    """Tell whether the form came from our page in this browser."""
    said = request.headers.get("Origin")
    if said is not None and said.rpartition("/")[2] != request.host:
        return False
    cookie = request.cookies.get(COOKIE, "")
    expected = seal(secret_key, cookie, bound_to)
    return bool(cookie) and hmac.compare_digest(expected.encode(), token.encode())
