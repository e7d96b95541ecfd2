"""Media attachments: where the file lies, what it is and what it shows."""

import re
from typing import Final

from shared.protocol.file_types import media_type_of
from shared.protocol.objects import Attachment
from shared.protocol.reader import limits
from shared.protocol.reader.values import Wire, entries, objects, string, type_in, web_link, whole
from shared.protocol.text.sanitise import clean_text

_KINDS: Final = frozenset({"Image", "Video", "Audio"})
_MEDIA: Final = _KINDS | {"Document"}
_MEDIA_TYPE: Final = re.compile(r"[a-z]+/[a-z0-9.+-]{1,100}")
_SHOWN: Final = ("image/", "video/", "audio/")
_BLURHASH: Final = re.compile(r"[0-9A-Za-z#$%*+,.:;=?@\[\]^_{|}~-]{6,100}")
_COORDINATES: Final = 2


def read_attachments(value: object) -> tuple[Attachment, ...]:
    """Read an `attachment`: one object or many; only media with an http address count."""
    if not value:
        return ()
    found = (_attachment(wire) for wire in objects(value, limits.ATTACHMENTS))
    return tuple(attachment for attachment in found if attachment)


def read_preview(value: object) -> tuple[Attachment, ...]:
    """Read the picture of a titled post (`image`, `icon`): the largest one, as its only attachment."""
    pictures = (
        entry if isinstance(entry, dict) else {"type": "Image", "url": entry}
        for entry in entries(value)[: limits.ATTACHMENTS]
    )
    found = [_attachment({"mediaType": "image/", **picture}) for picture in pictures]
    shown = [attachment for attachment in found if attachment]
    return (max(shown, key=lambda attachment: attachment.width or 0),) if shown else ()


def read_shared_link(value: object) -> str:
    """Return the address of the first Link among attachments: what a link post is about (Lemmy)."""
    links = (web_link(w.get("href")) for w in objects(value, limits.ATTACHMENTS) if w.get("type") == "Link")
    return next((link for link in links if link), "")


def _attachment(wire: Wire) -> Attachment | None:
    kind = type_in(wire, _MEDIA)
    address = web_link(wire.get("url") or wire.get("href"), "image/" if kind == "Image" else "")
    if not address:
        return None
    media_type = _media_type(wire, address, kind)
    if not kind and not media_type.startswith(_SHOWN):
        return None
    return Attachment(
        url=address,
        media_type=media_type,
        description=_alt_text(wire),
        width=whole(wire.get("width"), limits.PIXELS),
        height=whole(wire.get("height"), limits.PIXELS),
        blurhash=_blurhash(wire),
        focus=_focus(wire.get("focalPoint")),
    )


def _media_type(wire: Wire, address: str, kind: str) -> str:
    """Return the type as given, else by the file's name, else by the kind alone (`image/`)."""
    given = string(wire.get("mediaType")).partition(";")[0].strip().lower()
    if _MEDIA_TYPE.fullmatch(given):
        return given
    if guessed := media_type_of(address):
        return guessed
    if kind in _KINDS:
        return f"{kind.lower()}/"
    return given if given in _SHOWN else ""


def _alt_text(wire: Wire) -> str:
    # GoToSocial writes it as summary, everybody else as name.
    return clean_text(string(wire.get("name")) or string(wire.get("summary")), limits.ALT_TEXT)


def _blurhash(wire: Wire) -> str:
    value = string(wire.get("blurhash"))
    return value if _BLURHASH.fullmatch(value) else ""


def _focus(value: object) -> tuple[float, float] | None:
    if not isinstance(value, list) or len(value) != _COORDINATES:
        return None
    if not all(isinstance(part, int | float) and -1 <= part <= 1 for part in value):
        return None
    return float(value[0]), float(value[1])
