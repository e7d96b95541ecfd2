"""Reads the requests and documents that were captured from real servers."""

from datetime import datetime
from functools import lru_cache
from pathlib import Path

import msgspec
from msgspec import Struct

from shared.protocol.objects import PublicKey
from shared.signatures.keys import pem_to_der
from shared.signatures.request import SignedRequest

_FOLDER = Path(__file__).parent
_ORIGINS = {
    "gotosocial": "https://fake.test",
    "takahe": "https://fake.test",
    "fedify": "http://127.0.1.1:9100",
}
"""Where each server believed to send to."""


class Captured(Struct, frozen=True, kw_only=True):
    """One request; `origin` is that of the receiver, `key` the signer's, `name` the file's without suffix."""

    server: str
    name: str
    request: SignedRequest
    received_at: datetime
    origin: str
    key: PublicKey


class _File(Struct, frozen=True):
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: str
    received_at: datetime
    signer: str


class _Key(Struct, frozen=True, rename="camel"):
    id: str
    owner: str
    public_key_pem: str


class _KeyDocument(Struct, frozen=True, rename="camel"):
    public_key: _Key


@lru_cache(maxsize=1)
def captured_requests() -> tuple[Captured, ...]:
    """Return every captured request, by server and in order of receipt."""
    return tuple(
        _read(server, path)
        for server in _ORIGINS
        for path in sorted((_FOLDER / server).glob("[0-9][0-9]-*.json"))
    )


def document(server: str, name: str) -> bytes:
    """Return a document as it was served, such as `document("takahe", "actor-tom")`."""
    return (_FOLDER / server / f"{name}.json").read_bytes()


def _read(server: str, path: Path) -> Captured:
    file = msgspec.json.decode(path.read_bytes(), type=_File)
    return Captured(
        server=server,
        name=path.stem,
        request=SignedRequest(
            method=file.method,
            target=file.target,
            headers=tuple((name.lower(), value) for name, value in file.headers),
            body=file.body.encode(),
        ),
        received_at=file.received_at,
        origin=_ORIGINS[server],
        key=_key(document(server, file.signer.removesuffix(".json"))),
    )


def _key(content: bytes) -> PublicKey:
    # Either the key itself, or an actor that holds it.
    try:
        key = msgspec.json.decode(content, type=_KeyDocument).public_key
    except msgspec.ValidationError:
        key = msgspec.json.decode(content, type=_Key)
    algorithm, der = pem_to_der(key.public_key_pem)
    return PublicKey(id=key.id, owner=key.owner, algorithm=algorithm, der=der)
