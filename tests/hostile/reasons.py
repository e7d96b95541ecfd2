"""Every word by which an activity may be refused, read from the sources: no list that could fall behind."""

import ast
from collections.abc import Iterator
from importlib import import_module
from typing import Final

from shared.protocol.errors import Unavailable
from tests.forked import ROOT

_INBOUND: Final = (
    "services/inbox_receiver",
    "services/signature_verifier",
    "shared/protocol",
    "shared/signatures",
    "shared/resolution",
    "shared/remote",
)


def words() -> set[str]:
    """Return the reasons that stand in the sources of what an activity goes through before it is believed."""
    files = [path for folder in _INBOUND for path in sorted((ROOT / folder).rglob("*.py"))]
    return {word for path in files for node in ast.walk(ast.parse(path.read_text())) for word in _in(node)}


def passing() -> set[str]:
    """Return the reasons for which something is tried again instead of being refused."""
    for folder in (
        "shared.remote.errors",
        "services.signature_verifier.gate",
        "shared.resolution.instance_signer",
    ):
        import_module(folder)
    return {kind.reason for kind in _kinds(Unavailable)} | {"dns_not_found"}


def _in(node: ast.AST) -> Iterator[str]:
    match node:
        case (
            ast.Assign(targets=[ast.Name(id="reason")], value=value) | ast.keyword(arg="reason", value=value)
        ):
            yield from _texts(value)
        case ast.Call(func=ast.Name(id="Refusal"), args=[_, word, *_]):
            yield from _texts(word)
        case ast.Call(func=ast.Name(id="required_uri"), args=[_, ast.Constant(value=str(name)), *_]):
            yield from (f"{name}_missing", f"{name}_invalid")
        case ast.ClassDef(name="Reason", body=body):
            yield from (word for part in body if isinstance(part, ast.Assign) for word in _texts(part.value))


def _texts(value: ast.AST) -> Iterator[str]:
    match value:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from (*_texts(one), *_texts(other))


def _kinds(kind: type[Unavailable]) -> Iterator[type[Unavailable]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)
