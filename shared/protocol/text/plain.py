"""HTML as plain text, for previews, notifications and titles."""

import re
from html import unescape
from typing import Final

import nh3

_BREAK: Final = re.compile(r"<br\s*/?>|</li>", re.IGNORECASE)
_PARAGRAPH: Final = re.compile(r"</(?:p|pre|blockquote|ul|ol|div|h[1-6])>", re.IGNORECASE)
_BLANK_LINES: Final = re.compile(r"\n{3,}")
_SPACES: Final = re.compile(r"\s+")
_stripper: Final = nh3.Cleaner(tags=set())


def plain_text(html: str) -> str:
    """Return the text of sanitised HTML: one line for a line break, an empty line between paragraphs."""
    broken = _PARAGRAPH.sub("\n\n", _BREAK.sub("\n", html))
    lines = (line.strip() for line in unescape(_stripper.clean(broken)).split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def excerpt(html: str, length: int = 200) -> str:
    """Return the beginning of a text on one line, cut at a word where possible."""
    line = _SPACES.sub(" ", plain_text(html))
    if len(line) <= length:
        return line
    head = line[: length - 1]
    word = head.rpartition(" ")[0]
    return (word if len(word) > length // 2 else head).rstrip(" ,.;:") + "…"
