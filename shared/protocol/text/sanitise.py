"""What others wrote, made safe once at the edge: an allow-list for HTML, tidy characters for plain text."""

import re
from typing import Final

import nh3

MAX_HTML_LENGTH: Final = 65_536
"""Characters of HTML taken from one property; the rest is cut off before it is parsed."""

MAX_TAGS: Final = 2500
"""Tags of one text. Parsing costs the square of their depth: this many, nested, take ten milliseconds."""

LINK_REL: Final = "nofollow noopener noreferrer"
"""What every link of a remote text carries."""

_TAGS: Final = frozenset(
    "p br span a del s pre blockquote code b strong u i em ul ol li ruby rt rp".split()  # noqa: SIM905 - reads as a list
)
_DROPPED: Final = frozenset(
    {
        "embed",
        "iframe",
        "math",
        "noembed",
        "noscript",
        "object",
        "script",
        "style",
        "svg",
        "template",
        "textarea",
        "title",
    }
)
_SCHEMES: Final = frozenset(
    {
        "http",
        "https",
        "dat",
        "dweb",
        "gemini",
        "gopher",
        "ipfs",
        "ipns",
        "magnet",
        "ssb",
        "xmpp",
    }
)
# One cleaner for all texts: building its tables costs more than most texts do.
_cleaner: Final = nh3.Cleaner(
    tags=set(_TAGS),
    clean_content_tags=set(_DROPPED),
    attributes={
        "*": {"lang"},
        "a": {"href", "translate"},
        "span": {"translate"},
        "ol": {"start", "reversed"},
        "li": {"value"},
    },
    allowed_classes={
        "a": {"mention", "hashtag", "u-url"},
        "span": {"mention", "hashtag", "invisible", "ellipsis", "h-card"},
        "p": {"quote-inline"},
    },
    url_schemes=set(_SCHEMES),
    url_relative="deny",
    link_rel=LINK_REL,
)
_HEADING: Final = re.compile(r"<(/?)h[1-6](?:\s[^<>]*)?>", re.IGNORECASE)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\u202d\u202e]")
_SPACES: Final = re.compile(r"\s+")


def sanitise_html(html: str) -> str:
    """Return HTML that is safe to show: known tags and attributes only, headings as bold paragraphs.

    Doing it again changes nothing.
    """
    html = html[:MAX_HTML_LENGTH]
    if html.count("<") > MAX_TAGS:
        html = "<".join(html.split("<", MAX_TAGS)[:MAX_TAGS])
    if "<h" in html or "<H" in html:
        html = _HEADING.sub(_bold_paragraph, html)
    return _cleaner.clean(html)


def _bold_paragraph(heading: re.Match[str]) -> str:
    return "</strong></p>" if heading[1] else "<p><strong>"


def clean_text(text: str, limit: int) -> str:
    """Return plain text of at most so many characters, without control and direction-overriding ones.

    It is not HTML and stays as written: whoever shows it escapes it.
    """
    return _CONTROLS.sub("", text[:limit]).strip()


def clean_line(text: str, limit: int) -> str:
    """Return plain text on one line, of at most so many characters."""
    return _SPACES.sub(" ", clean_text(text, limit)) if text else ""
