"""Responses of the client API."""

from collections.abc import Mapping

import msgspec
from aiohttp import web

_encoder = msgspec.json.Encoder()


def answer(entity: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return an entity, or a list of them, as JSON."""
    return web.Response(
        status=status,
        body=_encoder.encode(entity),
        content_type="application/json",
        charset="utf-8",
        headers=headers,
    )


def nothing() -> web.Response:
    """Return the empty object with which the API says that something was done."""
    return answer({})
