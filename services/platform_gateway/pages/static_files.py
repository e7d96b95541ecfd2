"""Style sheet and images, read once, under addresses that change with their content."""

import hashlib
import mimetypes
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web
from msgspec import Struct

FOLDER = Path(__file__).resolve().parent.parent / "static"


class StaticFile(Struct, frozen=True):
    """One file: its bytes, media type and a fingerprint of its content."""

    body: bytes
    media_type: str
    fingerprint: str


class StaticFiles:
    """The files of one folder, kept in memory.

    Args:
        files: By name.
    """

    def __init__(self, files: Mapping[str, StaticFile]) -> None:
        self._files = files

    def url(self, name: str) -> str:
        """Return the address of a file; raises KeyError where there is none."""
        return f"/static/{name}?{self._files[name].fingerprint}"

    async def serve(self, request: web.Request) -> web.Response:
        """Answer a GET; a reader who knows the fingerprint may keep the file for a year."""
        name = request.match_info["name"]
        file = self._files.get(name)
        if file is None:
            raise web.HTTPNotFound
        known = request.query_string == file.fingerprint
        age = "public, max-age=31536000, immutable" if known else "public, max-age=300"
        headers = {"Cache-Control": age, "X-Content-Type-Options": "nosniff"}
        return web.Response(body=file.body, content_type=file.media_type, headers=headers)


def read_static_files(folder: Path = FOLDER) -> StaticFiles:
    """Read every file of a folder."""
    return StaticFiles({path.name: _read(path) for path in sorted(folder.iterdir()) if path.is_file()})


def _read(path: Path) -> StaticFile:
    body = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return StaticFile(body, media_type, hashlib.sha256(body).hexdigest()[:12])
