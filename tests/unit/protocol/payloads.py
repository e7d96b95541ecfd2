"""The payloads written after the shapes of other servers, by server and name."""

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parents[2] / "payloads"
WRITTEN = (
    "bookwyrm",
    "friendica",
    "funkwhale",
    "hubzilla",
    "lemmy",
    "mastodon",
    "misskey",
    "mobilizon",
    "owncast",
    "peertube",
    "pixelfed",
    "threads",
    "wordpress",
    "writefreely",
)
_DOCUMENTS = ("actor-", "webfinger-", "nodeinfo-")


def payload(name: str) -> bytes:
    """Return a payload such as `mastodon/create-public`."""
    return (_FOLDER / f"{name}.json").read_bytes()


def written(*, documents: bool) -> list[str]:
    """Return the names of all written payloads: documents that are served, or activities that are posted."""
    paths = (path for server in WRITTEN for path in sorted((_FOLDER / server).glob("*.json")))
    return [
        f"{path.parent.name}/{path.stem}" for path in paths if path.name.startswith(_DOCUMENTS) == documents
    ]


def golden(name: str) -> dict[str, Any]:
    """Return a document as this site writes it, which `test_writer` holds it to."""
    document: dict[str, Any] = json.loads((Path(__file__).with_name("golden") / f"{name}.json").read_bytes())
    return document
