"""Request parameters, typed: from the query, a form, a multipart body or JSON, named as Rails names them.

`ids[]=1&ids[]=2` is a list, `source[privacy]=public` a nested object, `fields[0][name]=x` a list of objects.
Whatever cannot be read ends in a 4xx that says why.
"""

import functools
import types
import zlib
from collections.abc import Iterable, Mapping
from typing import Annotated, TypeVar, Union, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from msgspec import Meta, Struct

from services.platform_gateway.errors import ApiError, invalid

T = TypeVar("T", bound=Struct)

MAX_PAIRS = 500
MAX_DEPTH = 6
MAX_TEXT = 100_000
MAX_ID = (1 << 63) - 1

Id = Annotated[int, Meta(ge=0, le=MAX_ID)]
"""An id inside parameters; a number that no row can have is refused."""

Value = Union[None, bool, int, float, str, list["Value"], dict[str, "Value"]]  # noqa: UP007 - recursive
Tree = dict[str, Value]

UNREADABLE = (
    HttpProcessingError,
    web.RequestPayloadError,
    AssertionError,  # of aiohttp's multipart parser, like the rest of these
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    zlib.error,
)
"""What reading a broken body raises."""
_FALSE = frozenset({"0", "f", "false", "off", "no"})
_TRUE = frozenset({"1", "t", "true", "on", "yes"})


async def read(request: web.Request, kind: type[T]) -> T:
    """Return the request's parameters as `kind`; those of the body win over those of the query.

    Raises:
        ApiError: 400 for bytes that cannot be read, 422 for values of the wrong kind.
    """
    tree = nested(request.query.items())
    if request.can_read_body:
        try:
            tree.update(await _body(request))
        except UNREADABLE as error:
            raise ApiError(400, "The request body could not be read") from error
    return convert(tree, kind)


def convert(tree: Tree, kind: type[T]) -> T:
    """Return a tree of plain values as `kind`; a missing or null value takes its default."""
    _check(tree, 0)
    prepared = _fit(tree, kind)
    try:
        return msgspec.convert(prepared, kind, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(_readable(error)) from error
    except (ValueError, OverflowError) as error:
        raise invalid("A number is out of range") from error


def path_id(request: web.Request, name: str = "id") -> int:
    """Return the id in the path; what cannot be one is simply not found."""
    text = request.match_info[name]
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(MAX_ID)) or int(text) > MAX_ID:
        raise ApiError(404, "Record not found")
    return int(text)


def path_text(request: web.Request, name: str) -> str:
    """Return a piece of text in the path."""
    text = request.match_info[name]
    _check(text, 0)
    return text


async def _body(request: web.Request) -> Tree:
    kind = request.content_type
    if kind == "multipart/form-data":
        return await _multipart(request)
    if kind not in {"application/json", "application/x-www-form-urlencoded"}:
        return {}
    raw = await request.read()
    if not raw.strip():
        return {}
    if kind == "application/json":
        return _json(raw)
    return nested(parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MAX_PAIRS, errors="strict"))


def _json(raw: bytes) -> Tree:
    try:
        tree = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiError(400, "Error occurred while parsing request parameters") from error
    if not isinstance(tree, dict):
        raise ApiError(400, "The JSON document must be an object")
    return tree


async def _multipart(request: web.Request) -> Tree:
    form = await request.post()
    pairs: list[tuple[str, str]] = []
    for name, value in form.items():
        if not isinstance(value, str):
            raise ApiError(422, f"Validation failed: {name} cannot be uploaded here")
        pairs.append((name, value))
    return nested(pairs)


def nested(pairs: Iterable[tuple[str, str]]) -> Tree:
    """Return named values as a tree, by the brackets in their names; raises ApiError for too many."""
    tree: Tree = {}
    for count, (name, value) in enumerate(pairs):
        if count >= MAX_PAIRS:
            raise ApiError(400, "Too many parameters")
        head, *rest = name.replace("]", "").split("[")
        if len(rest) > MAX_DEPTH:
            raise ApiError(400, "Parameters are nested too deeply")
        _put(tree, [head, *rest], value)
    return tree


def _put(tree: Tree, keys: list[str], value: str) -> None:
    """Set a value at the end of a path of keys; an empty last key appends to a list."""
    key, rest = keys[0], keys[1:]
    if not rest:
        tree[key] = value
    elif rest == [""]:
        known = tree.get(key)
        tree[key] = [*known, value] if isinstance(known, list) else [value]
    else:
        inner = tree.get(key)
        branch: Tree = inner if isinstance(inner, dict) else {}
        tree[key] = branch
        _put(branch, rest, value)


def _check(value: Value, depth: int) -> None:
    """Refuse what neither Postgres nor a person could make sense of."""
    if depth > MAX_DEPTH:
        raise ApiError(400, "Parameters are nested too deeply")
    if isinstance(value, str):
        if "\0" in value:
            raise ApiError(400, "Invalid characters in parameters")
        if len(value) > MAX_TEXT:
            raise ApiError(422, "Validation failed: Text is too long")
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise ApiError(400, "Invalid characters in parameters")
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check(key, depth + 1)
            _check(item, depth + 1)


def _fit(tree: Mapping[str, Value], kind: type[Struct]) -> Tree:
    """Return the known parameters, bent to what their types expect where clients are known to differ."""
    fitted: Tree = {}
    for name, shape in _shapes(kind).items():
        value = tree.get(name)
        if value is None:
            continue
        if shape is bool:
            fitted[name] = _flag(value)
        elif shape is list:
            fitted[name] = _listed(value)
        elif issubclass(shape, Struct) and isinstance(value, dict):
            fitted[name] = _fit(value, shape)
        elif value != "" or shape is str:
            fitted[name] = str(value) if shape is str and isinstance(value, int | float) else value
    return fitted


def _flag(value: Value) -> Value:
    if isinstance(value, str):
        word = value.lower()
        if word in _FALSE or not word:
            return False
        return True if word in _TRUE else value
    return value


def _listed(value: Value) -> list[Value]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and all(key.isascii() and key.isdigit() for key in value):
        return [value[key] for key in sorted(value, key=lambda key: int(key[:9]))]
    return [value]


@functools.cache
def _shapes(kind: type[Struct]) -> dict[str, type]:
    return {field.encode_name: _shape(field.type) for field in msgspec.structs.fields(kind)}


def _shape(annotation: object) -> type:
    """Return the plain type below `X | None`, `Annotated[X, …]`, `list[X]`, or of a literal's values."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _shape(get_args(annotation)[0])
    if origin in {Union, types.UnionType}:
        return next((_shape(part) for part in get_args(annotation) if part is not types.NoneType), object)
    if origin is not None:
        return origin if isinstance(origin, type) else object
    return annotation if isinstance(annotation, type) else object


def _readable(error: msgspec.ValidationError) -> str:
    message, _, place = str(error).partition(" - at `$.")
    return f"{place.rstrip('`')}: {message}" if place else message
