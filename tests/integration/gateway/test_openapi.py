"""The client API and its OpenAPI document: each says what the other does.

`HEDDLE_TEST_API_EXAMPLES` is the number of requests that each operation is asked with.
"""

import os
import re
import sys
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from aiohttp import web
from hypothesis import HealthCheck, Phase, given, settings
from msgspec import Struct
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from services.platform_gateway import parameters
from services.platform_gateway.media import uploads
from services.platform_gateway.openapi.document import OPERATIONS
from services.platform_gateway.openapi.operation import EVENTS
from tests.integration.gateway.running import RunningGateway

EXAMPLES = int(os.environ.get("HEDDLE_TEST_API_EXAMPLES", "4"))
DESCRIBED = ("/api/v1/", "/api/v2/", "/api/heddle/v1/", "/oauth/")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
ASKED = [route for route, operation in OPERATIONS.items() if operation.media != EVENTS]
CLOSED = [route for route, operation in OPERATIONS.items() if not operation.open]
SCOPED = [route for route in ASKED if OPERATIONS[route].scope]


@pytest.fixture(scope="module")
def api(site: RunningGateway) -> Any:
    """Return the document as schemathesis reads it, from the gateway."""
    return schemathesis.openapi.from_url(f"{site.origin}/api/openapi.json")


@pytest.fixture(scope="module")
def ids(site: RunningGateway) -> list[str]:
    """Return ids of what is here: people, posts, a poll, a notification."""
    ada, grace = site.client("ada"), site.client("grace")
    poll = ada.make_poll(["yes", "no"], 3600)
    posts = [ada.status_post("Hello #world"), ada.status_post("Well?", poll=poll)]
    posts += [grace.status_post("Hello @ada", in_reply_to_id=posts[0]), ada.status_reblog(posts[1])]
    grace.status_favourite(posts[0])
    people = [client.account_verify_credentials() for client in (ada, grace)]
    return [str(one.id) for one in (*posts, *people)]


@pytest.fixture(scope="module", autouse=True)
def forms() -> Iterator[dict[str, type]]:
    """Note which form each route really reads its parameters as."""
    noted: dict[str, type] = {}
    original = uploads._read  # noqa: SLF001 - where a body with files is read

    def note(request: web.Request, kind: type[Struct]) -> None:
        resource = request.match_info.route.resource
        assert resource is not None
        noted[f"{request.method} {resource.canonical.rstrip('/')}"] = kind

    async def read(request: web.Request, kind: type[Struct]) -> Struct:
        note(request, kind)
        return await parameters.read(request, kind)

    async def read_files(request: web.Request, kind: type[Struct], names: frozenset[str]) -> object:
        note(request, kind)
        return await original(request, kind, names)

    users = [
        module
        for name, module in sys.modules.items()
        if name.startswith("services.platform_gateway.") and getattr(module, "read", None) is parameters.read
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uploads, "_read", read_files)
        for module in users:
            if module is not parameters:
                patch.setattr(module, "read", read)
        yield noted


def test_routes_and_document_agree(site: RunningGateway) -> None:
    """Every route of the client API is described, and nothing is described that is not there."""
    served = {
        f"{route.method} {route.resource.canonical.rstrip('/')}"
        for route in site.app.router.routes()
        if route.resource is not None and route.method not in {"HEAD", "*"}
    }
    assert {route for route in served if route.partition(" ")[2].startswith(DESCRIBED)} == set(OPERATIONS)


@pytest.mark.parametrize("route", ASKED)
def test_whatever_the_document_allows_is_answered_as_it_says(
    site: RunningGateway, api: Any, ids: list[str], forms: dict[str, type], route: str
) -> None:
    """What fits the document gets a status, a media type and a body that fit it, too; never a 500."""
    method, _, path = route.partition(" ")

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )
    @given(case=api[path][method].as_strategy())
    def ask(case: Any) -> None:
        if "id" in (case.path_parameters or {}):
            # Half of them are about something that is here.
            number = zlib.crc32(repr((case.path_parameters, case.query, case.body)).encode())
            if number % 2:
                case.path_parameters["id"] = ids[number // 2 % len(ids)]
        answer = case.call(headers=site.headers("grace"), allow_redirects=False, timeout=20)
        case.validate_response(answer, checks=CHECKS)

    ask()
    assert forms.get(route) == OPERATIONS[route].form


def address(route: str) -> tuple[str, str]:
    """Return method and path of a route, about something that is not there."""
    method, _, path = route.partition(" ")
    return method, re.sub(r"\{\w+\}", "1", path)


@pytest.mark.parametrize("route", CLOSED)
def test_what_is_not_open_needs_a_token(site: RunningGateway, route: str) -> None:
    """Without a token, and with one that was made up, each route that is not open answers 401."""
    method, path = address(route)
    for headers in ({}, {"Authorization": "Bearer made-up"}, {"Cookie": "token=x"}):
        answer = requests.request(method, site.origin + path, headers=headers, timeout=20)
        assert answer.status_code == 401, answer.text


@pytest.mark.parametrize("route", SCOPED)
def test_a_token_opens_what_its_scope_says(site: RunningGateway, route: str) -> None:
    """A token of another scope gets 403, one of exactly the scope in the document does not."""
    method, path = address(route)
    scope = OPERATIONS[route].scope
    another = "write:filters" if scope.startswith("read") else "read:filters"
    outside = requests.request(
        method, site.origin + path, headers=site.headers("locked", another), timeout=20
    )
    assert outside.status_code == 403, outside.text
    within = requests.request(method, site.origin + path, headers=site.headers("locked", scope), timeout=20)
    assert within.status_code not in {401, 403, 500}, within.text
