"""An authorization request, checked (RFC 6749, section 4.1.1; RFC 7636, section 4.3)."""

import re

from msgspec import Struct

from shared.actions.scopes import InvalidScope, covers_all, parse_scopes
from shared.database.oauth import AppRow, app_by_client_id
from shared.database.pool import Connection
from shared.protocol.errors import Rejected

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
MAX_STATE = 4096


class AuthorizeForm(Struct, kw_only=True):
    """What the app asks for; the same fields come back with the sign-in form."""

    response_type: str = ""
    client_id: str = ""
    redirect_uri: str = ""
    scope: str = ""
    state: str = ""
    code_challenge: str = ""
    code_challenge_method: str = ""


class Asked(Struct, frozen=True, kw_only=True):
    """A request that is in order."""

    app: AppRow
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str
    code_challenge: str

    def signable(self) -> str:
        """Return what the sign-in form is bound to."""
        return "\n".join(
            (self.app.client_id, self.redirect_uri, " ".join(self.scopes), self.state, self.code_challenge)
        )


class BadAuthorization(Rejected):
    """The app asks in a way that cannot be answered at its redirect URI; a person gets to read why."""

    reason = "invalid_request"


async def check(conn: Connection, form: AuthorizeForm) -> Asked:
    """Return the request with its app; raises BadAuthorization."""
    app = await app_by_client_id(conn, form.client_id)
    if app is None:
        raise BadAuthorization("This app is not known here.", reason="invalid_client")
    if form.redirect_uri not in app.redirect_uris:
        raise BadAuthorization("The app did not register the address it wants to be sent back to.")
    if form.response_type != "code":
        raise BadAuthorization("Only codes are given out here.", reason="unsupported_response_type")
    if len(form.state) > MAX_STATE:
        raise BadAuthorization("The app's state is too long.")
    _check_challenge(form)
    return Asked(
        app=app,
        redirect_uri=form.redirect_uri,
        scopes=_scopes(app, form.scope),
        state=form.state,
        code_challenge=form.code_challenge,
    )


def _check_challenge(form: AuthorizeForm) -> None:
    if not form.code_challenge and not form.code_challenge_method:
        return
    if form.code_challenge_method != "S256":
        raise BadAuthorization("The proof key must use the method S256.")
    if not _CHALLENGE.fullmatch(form.code_challenge):
        raise BadAuthorization("The proof key is not a SHA-256 in base64url.")


def _scopes(app: AppRow, asked: str) -> tuple[str, ...]:
    try:
        scopes = parse_scopes(asked) if asked.strip() else app.scopes
    except InvalidScope as error:
        raise BadAuthorization(str(error), reason=error.reason) from error
    if not covers_all(app.scopes, scopes):
        raise BadAuthorization("The app asks for more than it registered for.", reason="invalid_scope")
    return scopes
