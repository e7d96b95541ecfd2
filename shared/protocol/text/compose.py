"""What people here write: plain text to HTML, with links, mentions and hashtags, in two steps.

`scan` finds who is mentioned, the caller looks them up, `render` writes the HTML. The markup is the one
that servers and clients of the field know: `h-card` around mentions, `invisible` around the parts of a
link that need not be read.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import Final

from linkify_it import LinkifyIt  # type: ignore[import-untyped]  # it ships no types
from msgspec import Struct

from shared.protocol.identifiers import is_http_uri
from shared.protocol.text.hashtags import TAG_CHARACTERS, is_tag, normalise_tag
from shared.protocol.text.sanitise import LINK_REL

_SHOWN: Final = 30
"""Characters of a link that are shown."""

_MENTION: Final = re.compile(
    r"(?<![\w@=/])@(?P<user>\w(?:[\w.-]*\w)?)(?:@(?P<domain>[\w-]+(?:\.[\w-]+)*(?::\d{1,5})?))?", re.ASCII
)
_HASHTAG: Final = re.compile(rf"(?<![\w#=/)&])[#\uff03](?P<tag>[{TAG_CHARACTERS}]+)")
_PARAGRAPHS: Final = re.compile(r"\n{2,}")
_SCHEME: Final = re.compile(r"https?://(?:www\.)?", re.IGNORECASE)
_links: Final = (
    LinkifyIt({}, {"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
    .add("mailto:", None)
    .add("ftp:", None)
    .add("//", None)
)


class ActorLink(Struct, frozen=True, kw_only=True):
    """Whom a mention means: the page to link to and the name to show."""

    uri: str
    url: str
    username: str


class Scan(Struct, frozen=True, kw_only=True):
    """What a text holds: handles (`user` or `user@domain`, lower case) and hashtags as written."""

    mentions: tuple[str, ...] = ()
    hashtags: tuple[str, ...] = ()


class _Token(Struct, frozen=True, kw_only=True):
    kind: str
    start: int
    end: int
    value: str


def scan(text: str) -> Scan:
    """Find the handles and hashtags of a text, each once, in order."""
    tokens = _tokens(text)
    handles = dict.fromkeys(token.value for token in tokens if token.kind == "mention")
    tags = {normalise_tag(token.value): token.value for token in reversed(tokens) if token.kind == "hashtag"}
    return Scan(mentions=tuple(handles), hashtags=tuple(reversed(tags.values())))


def render(text: str, *, mentions: Mapping[str, ActorLink], tag_url: Callable[[str], str]) -> str:
    """Return a text as HTML.

    Args:
        text: As written, plain.
        mentions: Whom the handles found by `scan` mean; one that is missing stays text.
        tag_url: Returns the page of a hashtag, given in its normalised form.
    """
    paragraphs = _PARAGRAPHS.split(text.replace("\r\n", "\n").replace("\r", "\n").strip())
    return "".join(f"<p>{_inline(part, mentions, tag_url)}</p>" for part in paragraphs if part)


def render_field(value: str) -> str:
    """Return a profile field's value as HTML; a link carries rel=me, so that it can be verified."""
    return "".join(
        _link(part.value, f"me {LINK_REL}") if part.kind == "link" else _text(part.value)
        for part in _parts(value, _link_tokens(value))
    )


def _inline(text: str, mentions: Mapping[str, ActorLink], tag_url: Callable[[str], str]) -> str:
    html = []
    for part in _parts(text, _tokens(text)):
        written = text[part.start : part.end]
        if part.kind == "link":
            html.append(_link(part.value, LINK_REL))
        elif part.kind == "hashtag":
            html.append(_hashtag(part.value, tag_url))
        elif part.kind == "mention" and part.value in mentions:
            html.append(_mention(mentions[part.value]))
        else:
            html.append(_text(written).replace("\n", "<br>"))
    return "".join(html)


def _parts(text: str, tokens: list[_Token]) -> Iterator[_Token]:
    position = 0
    for token in tokens:
        if token.start > position:
            yield _plain(text, position, token.start)
        yield token
        position = token.end
    if position < len(text):
        yield _plain(text, position, len(text))


def _plain(text: str, start: int, end: int) -> _Token:
    return _Token(kind="text", start=start, end=end, value=text[start:end])


def _tokens(text: str) -> list[_Token]:
    tokens = _link_tokens(text)
    taken = [(token.start, token.end) for token in tokens]
    found = [*_mention_tokens(text), *_hashtag_tokens(text)]
    tokens += [t for t in found if not any(start < t.end and t.start < end for start, end in taken)]
    return sorted(tokens, key=lambda token: token.start)


def _link_tokens(text: str) -> list[_Token]:
    if "://" not in text:
        return []
    return [
        _Token(kind="link", start=match.index, end=match.last_index, value=match.url)
        for match in _links.match(text) or []
        if is_http_uri(match.url)
    ]


def _mention_tokens(text: str) -> Iterator[_Token]:
    for match in _MENTION.finditer(text):
        user, domain = match["user"], match["domain"]
        handle = f"{user}@{domain}" if domain else user
        yield _Token(kind="mention", start=match.start(), end=match.end(), value=handle.lower())


def _hashtag_tokens(text: str) -> Iterator[_Token]:
    for match in _HASHTAG.finditer(text):
        if is_tag(match["tag"]):
            yield _Token(kind="hashtag", start=match.start(), end=match.end(), value=match["tag"])


def _mention(actor: ActorLink) -> str:
    return (
        f'<span class="h-card" translate="no"><a href="{_attribute(actor.url or actor.uri)}" '
        f'class="u-url mention" rel="{LINK_REL}">@<span>{_text(actor.username)}</span></a></span>'
    )


def _hashtag(tag: str, tag_url: Callable[[str], str]) -> str:
    return (
        f'<a href="{_attribute(tag_url(normalise_tag(tag)))}" class="mention hashtag" '
        f'rel="tag">#<span>{_text(tag)}</span></a>'
    )


def _link(url: str, rel: str) -> str:
    scheme = match[0] if (match := _SCHEME.match(url)) else ""
    shown, hidden = url[len(scheme) :][:_SHOWN], url[len(scheme) + _SHOWN :]
    css = ' class="ellipsis"' if hidden else ""
    return (
        f'<a href="{_attribute(url)}" translate="no" rel="{rel}">'
        f'<span class="invisible">{_text(scheme)}</span><span{css}>{_text(shown)}</span>'
        f'<span class="invisible">{_text(hidden)}</span></a>'
    )


def _text(text: str) -> str:
    return escape(text, quote=False)


def _attribute(text: str) -> str:
    return escape(text, quote=False).replace('"', "&quot;")
