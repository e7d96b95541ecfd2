"""Media types by a file's name, the same on every machine."""

from typing import Final

_BY_SUFFIX: Final = {
    "apng": "image/apng",
    "avif": "image/avif",
    "gif": "image/gif",
    "heic": "image/heic",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "svg": "image/svg+xml",
    "webp": "image/webp",
    "m4v": "video/mp4",
    "mov": "video/quicktime",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "mp3": "audio/mpeg",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "wav": "audio/wav",
}


def media_type_of(address: str) -> str:
    """Return the media type that a URL's path suggests, or an empty string."""
    name = address.partition("?")[0].partition("#")[0]
    return _BY_SUFFIX.get(name.rpartition(".")[2].lower(), "")
