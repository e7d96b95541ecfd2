"""Texts with their language: a value, a map by language, or both."""

import re
from functools import lru_cache
from typing import Final

from shared.protocol.reader.values import Wire, string

_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{1,8}){0,3}", re.IGNORECASE)
_MAX_LENGTH: Final = 30
"""Characters of the longest code that the pattern takes."""

_NONE: Final = frozenset({"und", "mul", "zxx"})


def localised(wire: Wire, name: str) -> str:
    """Return a text property, or the first text of its language map where it is missing."""
    value = wire.get(name)
    if isinstance(value, str):
        return value
    by_language = wire.get(f"{name}Map")
    if isinstance(by_language, dict):
        return next((text for text in by_language.values() if isinstance(text, str)), "")
    return ""


def language_of(wire: Wire) -> str | None:
    """Return the language of a post as BCP 47; from its content map, else as Lemmy and PeerTube say it."""
    by_language = wire.get("contentMap")
    if isinstance(by_language, dict) and by_language:
        return _language(_key_of(by_language, wire.get("content")))
    given = wire.get("language") or wire.get("inLanguage")
    if isinstance(given, dict):
        given = given.get("identifier")
    return _language(string(given))


def _key_of(by_language: Wire, content: object) -> str:
    if len(by_language) == 1:
        return next(iter(by_language))
    return next((key for key, text in by_language.items() if text == content), next(iter(by_language)))


def _language(code: str) -> str | None:
    return _known(code) if len(code) <= _MAX_LENGTH else None


@lru_cache(maxsize=256)
def _known(code: str) -> str | None:
    if code.lower() in _NONE or not _LANGUAGE.fullmatch(code):
        return None
    return code
