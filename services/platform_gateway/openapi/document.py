"""From the table of routes to an OpenAPI 3.1 document."""

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import Struct

from services.platform_gateway.errors import ErrorBody
from services.platform_gateway.openapi.accounts import ACCOUNTS
from services.platform_gateway.openapi.filters import FILTERS
from services.platform_gateway.openapi.operation import FORM, HTML, JSON, MULTIPART, Operation, Table
from services.platform_gateway.openapi.others import NOTIFICATIONS, OAUTH, SETTINGS, SITE, STREAMS
from services.platform_gateway.openapi.statuses import STATUSES

Json = dict[str, Any]

OPERATIONS: Final[Table] = {
    **OAUTH,
    **SITE,
    **ACCOUNTS,
    **STATUSES,
    **NOTIFICATIONS,
    **SETTINGS,
    **FILTERS,
    **STREAMS,
}
"""Every route below `/api/v1`, `/api/v2`, `/api/heddle/v1` and `/oauth`."""

_TAGS: Final = {"OAuth": OAUTH, "Site": SITE, "Accounts": ACCOUNTS, "Posts": STATUSES} | {
    "Notifications": NOTIFICATIONS,
    "Settings": SETTINGS,
    "Filters": FILTERS,
    "Streams": STREAMS,
}
_REFERENCE: Final = "#/components/schemas/{name}"
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_WITHOUT_BODY: Final = ("GET ", "DELETE ")


def build_document(origin: str, version: str) -> bytes:
    """Return the document, as JSON, of the site at an origin."""
    wanted = dict.fromkeys(_types(OPERATIONS))
    schemas, components = msgspec.json.schema_components(list(wanted), ref_template=_REFERENCE)
    known = {repr(kind): schema for kind, schema in zip(wanted, schemas, strict=True)}
    paths: dict[str, Json] = {}
    for tag, table in _TAGS.items():
        for route, operation in table.items():
            method, _, path = route.partition(" ")
            paths.setdefault(path, {})[method.lower()] = _described(method, path, tag, operation, known)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "Heddle client API", "version": version, "description": _DESCRIPTION},
            "servers": [{"url": origin}],
            "paths": paths,
            "components": {"schemas": components, "securitySchemes": {"token": _security(origin)}},
        }
    )


_DESCRIPTION: Final = (
    "The Mastodon client API as this server has it, and what it adds below /api/heddle/v1. Parameters may "
    "also come as a form; lists are named with [] there."
)


def _types(table: Table) -> Iterable[Any]:
    """Yield what is named in the document: all answers, and the forms that are bodies."""
    yield ErrorBody
    for route, operation in table.items():
        if operation.answer is not None:
            yield operation.answer
        if operation.form is not None and not route.startswith(_WITHOUT_BODY):
            yield operation.form


def _security(origin: str) -> Json:
    scopes = {operation.scope: "" for operation in OPERATIONS.values() if operation.scope}
    flow = {
        "authorizationUrl": f"{origin}/oauth/authorize",
        "tokenUrl": f"{origin}/oauth/token",
        "scopes": scopes,
    }
    return {"type": "oauth2", "flows": {"authorizationCode": flow}}


def _described(method: str, path: str, tag: str, operation: Operation, known: dict[str, Json]) -> Json:
    described: Json = {
        "tags": [tag],
        "operationId": method.lower() + _PLACEHOLDER.sub(r"\1", path).replace("/", "_"),
        "parameters": [_in_path(name) for name in _PLACEHOLDER.findall(path)],
        "responses": _responses(operation, known),
    }
    token: list[Json] = [{"token": [operation.scope] if operation.scope else []}]
    described["security"] = [*token, {}] if operation.open else token
    if operation.form is not None and f"{method} " in _WITHOUT_BODY:
        described["parameters"] += _in_query(operation.form)
    elif operation.form is not None:
        described["requestBody"] = {"content": _bodies(operation, known[repr(operation.form)])}
    return described


def _in_path(name: str) -> Json:
    schema: Json = {"type": "string", "minLength": 1}
    if name.endswith("id"):
        schema["pattern"] = "^[0-9]{1,19}$"
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _in_query(form: type[Struct]) -> list[Json]:
    schema = msgspec.json.schema(form, ref_template="{name}")["$defs"][form.__name__]
    parameters = []
    for name, kind in schema["properties"].items():
        # Nothing in a query is null: what is not known is left out.
        given = [one for one in kind.get("anyOf", [kind]) if one != {"type": "null"}]
        listed = given[0].get("type") == "array"
        parameters.append({"name": f"{name}[]" if listed else name, "in": "query", "schema": given[0]})
    return parameters


def _bodies(operation: Operation, schema: Json) -> Json:
    if operation.files:
        files = {name: {"type": "string", "format": "binary"} for name in operation.files}
        return {MULTIPART: {"schema": {"allOf": [schema, {"type": "object", "properties": files}]}}}
    if operation.media == HTML:
        return {FORM: {"schema": schema}}
    return {JSON: {"schema": schema}}


def _responses(operation: Operation, known: dict[str, Json]) -> Json:
    error = {JSON: {"schema": known[repr(ErrorBody)]}}
    body: Json = {"schema": {"type": "string"}}
    if operation.answer is not None:
        body = {"schema": known[repr(operation.answer)]}
    failure = {"description": "Why not", "content": error}
    if operation.media == HTML:
        # A person sees why on the page itself.
        failure = {"description": "Why not", "content": {HTML: {}, **error}}
    done = {str(status): {"description": "Done"} for status in operation.statuses}
    return {
        "200": {"description": "Done", "content": {operation.media: body}},
        **done,
        "4XX": failure,
        "503": {"description": "Come back in a moment", "content": error},
    }
