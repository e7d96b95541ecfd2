"""How values look on a page: times, counts, names with emojis, links that say whose they are."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape as escape_html
from html import unescape
from urllib.parse import urlsplit

import nh3
from markupsafe import Markup, escape

from shared.database.page_posts import PagePost
from shared.protocol.identifiers import milliseconds_of
from shared.protocol.objects import Emoji
from shared.protocol.text import excerpt

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_DAYS_SHOWN = 7
_HUES = 8
_THOUSAND, _MILLION = 1_000, 1_000_000
_NO_DECIMALS = 100

_PIECES = re.compile(r"""(<(?:"[^"]*"|'[^']*'|[^'">])*>)""")
"""Splits sanitised HTML into tags and the text between them."""

_HREF = re.compile(r'''<a\s[^>]*?href="(https?://[^"]+)"''')
_SHORTCODE = re.compile(r":([A-Za-z0-9_]{1,64}):")
_OWN_LINKS = nh3.Cleaner(
    tags={"a", "span", "br", "p"},
    attributes={"a": {"href", "class"}, "span": {"class"}},
    url_schemes={"https", "http"},
    link_rel="me nofollow noopener noreferrer",
)


def absolute(moment: datetime) -> str:
    """Return date and time for a person, in UTC."""
    return moment.astimezone(UTC).strftime("%-d %B %Y, %H:%M UTC")


def month(moment: datetime) -> str:
    """Return month and year."""
    return moment.astimezone(UTC).strftime("%B %Y")


def iso(moment: datetime) -> str:
    """Return a moment as the `datetime` attribute wants it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def relative(moment: datetime, now: datetime | None = None) -> str:
    """Return how long ago something was, or its date once that is more than a week."""
    now = now or datetime.now(UTC)
    seconds = (now - moment).total_seconds()
    if seconds < _MINUTE:
        return "just now"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min ago"
    if seconds < _DAY:
        return f"{seconds // _HOUR:.0f} h ago"
    if seconds < _DAYS_SHOWN * _DAY:
        return f"{seconds // _DAY:.0f} d ago"
    same_year = moment.astimezone(UTC).year == now.year
    return moment.astimezone(UTC).strftime("%-d %b" if same_year else "%-d %b %Y")


def count(number: int) -> str:
    """Return a number that stays short: 950, 1.2 k, 15.3 k, 340 k."""
    for unit, sign in ((_MILLION, "M"), (_THOUSAND, "k")):
        if number >= unit:
            amount = number / unit
            whole = amount >= _NO_DECIMALS or not number % unit
            return f"{amount:.0f} {sign}" if whole else f"{amount:.1f} {sign}"
    return str(number)


def share(part: int, whole: int) -> int:
    """Return a part in per cent of the whole."""
    return round(100 * part / whole) if whole else 0


def hue(identifier: int) -> int:
    """Return which of the picture colours stands for somebody without a picture."""
    return milliseconds_of(identifier) % _HUES


def initial(name: str) -> str:
    """Return the letter that stands for somebody without a picture."""
    return next((letter.upper() for letter in name if letter.isalnum()), "·")


def host(uri: str) -> str:
    """Return the host of a link, for its text."""
    try:
        return urlsplit(uri).netloc
    except ValueError:
        return uri


def trusted(html: str) -> Markup:
    """Return HTML that was sanitised when it was stored as such."""
    return Markup(html)  # noqa: S704 - sanitised at the edge; the policy of the page forbids script besides


def with_emojis(text: str | Markup, emojis: Sequence[Emoji]) -> Markup:
    """Return text or sanitised HTML with its custom emojis as pictures; plain text is escaped."""
    safe = escape(text)
    if not emojis:
        return safe
    known = {emoji.shortcode: emoji.url for emoji in emojis}

    def picture(match: re.Match[str]) -> str:
        url = known.get(match[1])
        if url is None:
            return match[0]
        code = escape(match[0])
        return f'<img class="emoji" src="{escape(url)}" alt="{code}" title="{code}" loading="lazy">'

    pieces = _PIECES.split(str(safe))
    pieces[::2] = [_SHORTCODE.sub(picture, piece) for piece in pieces[::2]]
    return trusted("".join(pieces))


def own_links(html: str) -> Markup:
    """Return a profile's table value with `rel=me` on its links, by which other sites verify them."""
    return trusted(_OWN_LINKS.clean(html))


def links(html: str) -> list[str]:
    """Return where the links of some sanitised HTML lead."""
    return [unescape(address) for address in _HREF.findall(html)]


def headline(post: PagePost) -> str:
    """Return the title to set above a post; empty where its text begins with it, as that of titled types."""
    return "" if escape_html(post.title, quote=False) in post.content else post.title


FILTERS: dict[str, Callable[..., object]] = {
    "absolute": absolute,
    "count": count,
    "excerpt": excerpt,
    "host": host,
    "headline": headline,
    "hue": hue,
    "initial": initial,
    "iso": iso,
    "links": links,
    "month": month,
    "own_links": own_links,
    "relative": relative,
    "share": share,
    "trusted": trusted,
    "with_emojis": with_emojis,
}
"""By the names under which templates know them."""
