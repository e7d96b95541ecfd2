"""Pages for what is not there, is no longer there, or went wrong."""

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from services.platform_gateway.errors import JSON_PATHS, ApiError
from services.platform_gateway.negotiation import Form, wanted_form
from services.platform_gateway.pages.rendering import render
from shared.database.pool import unavailable_when_down
from shared.protocol.errors import Unavailable

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_WORDS = {
    400: ("This address is not right", "Something in it could not be read."),
    401: ("Not for everybody", "This can only be read by those who may."),
    404: ("There is nothing here", "It may have been moved, or it is not for everybody to see."),
    405: ("That is not possible here", "This address can be read, and nothing else."),
    410: ("This is gone", "It was here once and has been taken down."),
    503: ("Back in a moment", "Something we need is not there right now. Please try again shortly."),
}
_OTHER = ("That did not work", "Please try again.")

_BAD_REQUEST = 400
_UNAVAILABLE = 503


@web.middleware
async def show_failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer with a page where a person asked; failures of the API and before servers pass through."""
    if request.path.startswith(JSON_PATHS):
        return await handler(request)
    try:
        with unavailable_when_down():
            return await handler(request)
    except web.HTTPException as error:
        if error.status < _BAD_REQUEST or not _by_a_person(request):
            raise
        return failure_page(request, error.status)
    except ApiError as error:
        if not _by_a_person(request):
            raise
        return failure_page(request, error.status)
    except Unavailable as error:
        if not _by_a_person(request):
            raise
        log.warning("request_unavailable", path=request.path, reason=str(error))
        return failure_page(request, _UNAVAILABLE)


def failure_page(request: web.Request, status: int) -> web.Response:
    """Return the page that tells a person what happened."""
    title, explanation = _WORDS.get(status, _OTHER)
    context = {"status": status, "title": title, "explanation": explanation}
    response = render(request, "failure.html", context, status=status)
    response.headers["Vary"] = "Accept"
    if status == _UNAVAILABLE:
        response.headers["Retry-After"] = "5"
    return response


def _by_a_person(request: web.Request) -> bool:
    return wanted_form(request, Form.DOCUMENT) is Form.PAGE
