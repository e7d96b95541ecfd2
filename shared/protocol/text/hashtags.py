"""Hashtags: which words are one, and under which name they are found."""

import re
import unicodedata
from typing import Final

MAX_TAG_LENGTH: Final = 100
"""Characters of a hashtag."""

# Letters, digits, marks and the joining dots of Catalan, Japanese and others.
TAG_CHARACTERS: Final = r"\w\u00b7\u30fb\u200c\u0300-\u036f\u0900-\u0dff\u0e00-\u0eff"
_TAG: Final = re.compile(rf"[{TAG_CHARACTERS}]{{1,{MAX_TAG_LENGTH}}}")


def is_tag(name: str) -> bool:
    """Tell whether a name, given without its #, is a hashtag: word characters, not digits alone."""
    return _TAG.fullmatch(name) is not None and not name.isdecimal()


def normalise_tag(name: str) -> str:
    """Return the form under which a hashtag is stored and found: NFKC, lower case, without #."""
    return unicodedata.normalize("NFKC", name.lstrip("#\uff03")).lower().replace("\u200c", "")
