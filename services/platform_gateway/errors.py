"""What goes wrong, as the client API says it; bad input never becomes a 500."""

from collections.abc import Awaitable, Callable

import msgspec
import structlog
from aiohttp import web
from msgspec import Struct

from shared.actions.errors import NotAllowed, NotThere
from shared.database.pool import classify
from shared.protocol.errors import Rejected, Unavailable

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

JSON_PATHS = ("/api/", "/oauth/", "/.well-known/oauth-authorization-server")
"""Where errors are the client API's JSON; elsewhere they are problem details (FEP-c180)."""


class ErrorBody(Struct, omit_defaults=True):
    """The client API's error document."""

    error: str
    error_description: str = ""


class Problem(Struct, omit_defaults=True):
    """Problem details for servers (RFC 9457, FEP-c180)."""

    type: str
    title: str
    status: int
    detail: str = ""


class ApiError(Exception):
    """Ends a request with this status; `error` is for a person to read.

    Args:
        status: 400 to 599.
        error: One short sentence, as Mastodon words it where it has the same case.
        description: More, where it helps; in OAuth the sentence belonging to the code in `error`.
        headers: More headers of the response.
    """

    def __init__(
        self, status: int, error: str, *, description: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.description = description
        self.headers = headers or {}


def not_found() -> ApiError:
    """Return the answer for what is not there, or not for this viewer's eyes."""
    return ApiError(404, "Record not found")


def invalid(detail: str) -> ApiError:
    """Return the answer for parameters that make no sense together."""
    return ApiError(422, f"Validation failed: {detail}")


def render_error(request: web.Request, failure: ApiError) -> web.Response:
    """Return the response that tells of a failure, in the form that fits the path."""
    if request.path.startswith(JSON_PATHS):
        body = msgspec.json.encode(ErrorBody(failure.error, failure.description))
        kind = "application/json"
    else:
        problem = Problem("about:blank", failure.error, failure.status, failure.description)
        body, kind = msgspec.json.encode(problem), "application/problem+json"
    return web.Response(
        status=failure.status, body=body, content_type=kind, charset="utf-8", headers=failure.headers
    )


def _of_http(error: web.HTTPException) -> ApiError:
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
    known = {404: "Record not found", 413: "Request is too large", 405: "Method not allowed"}
    return ApiError(error.status, known.get(error.status, error.reason), headers=headers)


def _of_rejected(request: web.Request, error: Rejected) -> ApiError:
    if isinstance(error, NotThere):
        return ApiError(404, str(error))
    if isinstance(error, NotAllowed):
        return ApiError(403, str(error))
    if request.path.startswith("/oauth/"):
        return ApiError(400, error.reason, description=str(error))
    return invalid(str(error))


def _failure_of(request: web.Request, error: Exception) -> ApiError | None:
    """Return what a failure means to the caller; None where it is our own fault."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, web.HTTPException) and error.status >= web.HTTPBadRequest.status_code:
        return _of_http(error)
    if isinstance(error, Rejected):
        return _of_rejected(request, error)
    outage = error if isinstance(error, Unavailable) else classify(error)
    if outage is None:
        return None
    return ApiError(503, "Service temporarily unavailable", headers={"Retry-After": "5"})


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every failure of a handler into a response; what nobody foresaw is logged whole."""
    try:
        return await handler(request)
    except Exception as error:
        if isinstance(error, web.HTTPException) and error.status < web.HTTPBadRequest.status_code:
            raise
        failure = _failure_of(request, error)
        if failure is None:
            log.exception("request_failed", method=request.method, path=request.path)
            failure = ApiError(500, "Something went wrong on our end")
        elif failure.status >= web.HTTPInternalServerError.status_code:
            log.warning("request_unavailable", path=request.path, reason=str(error))
        return render_error(request, failure)
