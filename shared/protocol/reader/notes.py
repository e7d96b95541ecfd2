"""Posts, whatever their type: Note and Question as they are, titled types made readable."""

from datetime import datetime
from html import escape
from typing import Final

from markdown_it import MarkdownIt

from shared.protocol.errors import Malformed
from shared.protocol.objects import Attachment, Note
from shared.protocol.reader import limits
from shared.protocol.reader.attachments import read_attachments, read_preview, read_shared_link
from shared.protocol.reader.languages import language_of, localised
from shared.protocol.reader.polls import read_poll
from shared.protocol.reader.tags import Tags, read_tags
from shared.protocol.reader.values import (
    Wire,
    addresses,
    copied_to,
    entries,
    first,
    flag,
    required_uri,
    string,
    time,
    type_in,
    uri,
    uris,
    web_link,
)
from shared.protocol.text.sanitise import MAX_HTML_LENGTH, clean_line, sanitise_html
from shared.protocol.wire import decode

TITLED_TYPES: Final = frozenset({"Article", "Page", "Video", "Audio", "Image", "Event"})
POST_TYPES: Final = TITLED_TYPES | {"Note", "Question"}
_QUOTES: Final = ("quote", "_misskey_quote", "quoteUrl", "quoteUri")
_MAX_AUTHORS: Final = 10
_MAX_MARKDOWN: Final = 10_000
_MAX_BRACKETS: Final = 500
# HTML inside Markdown is shown as text: servers that mean HTML say so in the media type.
_markdown: Final = MarkdownIt("commonmark", {"html": False})


def read_note(document: bytes) -> Note:
    """Read a post that was fetched; raises Malformed."""
    return note_of(decode(document))


def note_of(wire: Wire, author: str = "") -> Note:
    """Read a post out of a larger document.

    Args:
        wire: The post.
        author: Who sent it: preferred where several authors are named, taken where none is.
    """
    kind = type_in(wire, POST_TYPES)
    if not kind:
        raise Malformed("not a type of post", reason="object_type")
    tags = read_tags(wire.get("tag"))
    may_quote, may_ask = _allowed(wire)
    warning = _warning(wire, kind)
    return Note(
        id=required_uri(wire, "id"),
        type=kind,
        attributed_to=_author(wire, author),
        content=_content(wire, kind, warning),
        summary=warning,
        name=clean_line(localised(wire, "name"), limits.TITLE),
        language=language_of(wire),
        published=time(wire.get("published")),
        updated=_edited(wire),
        url=web_link(wire.get("url")),
        in_reply_to=uri(wire.get("inReplyTo")) or None,
        quote=_quote(wire, tags),
        quote_consent=bool(uri(wire.get("quote"))),
        quote_authorization=uri(wire.get("quoteAuthorization")),
        may_quote=may_quote,
        may_ask=may_ask,
        sensitive=flag(wire.get("sensitive")),
        to=addresses(wire.get("to"), limits.RECIPIENTS),
        cc=copied_to(wire, limits.RECIPIENTS),
        mentions=tags.mentions,
        hashtags=tags.hashtags,
        emojis=tags.emojis,
        attachments=_attachments(wire, kind),
        poll=read_poll(wire) if kind == "Question" else None,
        context=uri(wire.get("context")),
        replies=uri(wire.get("replies")),
    )


def _edited(wire: Wire) -> datetime | None:
    # PeerTube dates a first version as updated, too: only what comes later is an edit.
    updated = time(wire.get("updated"))
    if updated is None:
        return None
    published = time(wire.get("published"))
    return None if published and updated <= published else updated


def _author(wire: Wire, author: str) -> str:
    attributed_to = wire.get("attributedTo")
    if author and attributed_to == author:
        return author
    named = uris(attributed_to, _MAX_AUTHORS)
    if named:
        return author if author in named else named[0]
    if author and not attributed_to:
        return author
    raise Malformed("no author", reason="attributed_to_missing")


def _warning(wire: Wire, kind: str) -> str:
    # The summary of an Article is an abstract; only a sensitive one is a warning.
    if kind in TITLED_TYPES and not flag(wire.get("sensitive")):
        return ""
    return clean_line(localised(wire, "summary"), limits.WARNING)


def _content(wire: Wire, kind: str, warning: str) -> str:
    body = localised(wire, "content")
    if body:
        body = _as_html(body, string(wire.get("mediaType")))
    if kind in TITLED_TYPES:
        return _readable(wire, body, warning)
    if kind == "Question" and not body:
        body = _paragraph(escape(clean_line(localised(wire, "name"), limits.TITLE), quote=False))
    return sanitise_html(body) if body else ""


def _as_html(text: str, media_type: str) -> str:
    # Markdown costs the square of its open brackets, so what has too much of it stays as written.
    modest = len(text) <= _MAX_MARKDOWN and text.count("[") <= _MAX_BRACKETS
    if media_type.startswith("text/markdown") and modest:
        return str(_markdown.render(text))
    if media_type.startswith(("text/plain", "text/markdown")):
        return _paragraph(escape(text[:MAX_HTML_LENGTH], quote=False).replace("\n", "<br>"))
    return text


def _readable(wire: Wire, body: str, warning: str) -> str:
    """Return title, text and links of a titled post as one piece of HTML."""
    title = clean_line(localised(wire, "name"), limits.TITLE)
    abstract = "" if body or warning else localised(wire, "summary")
    page = web_link(wire.get("url")) or uri(wire.get("id"))
    links = dict.fromkeys((read_shared_link(wire.get("attachment")), page))
    pieces = [
        _paragraph(f"<strong>{escape(title, quote=False)}</strong>") if title else "",
        _paragraph(escape(_when_and_where(wire), quote=False)),
        body or _paragraph(abstract),
        *(_paragraph(f'<a href="{escape(link)}">{escape(link)}</a>') for link in links if link),
    ]
    # Each on its own: what the text leaves open or has too much of does not touch the link below it.
    return "".join(sanitise_html(piece) for piece in pieces if piece)


def _when_and_where(wire: Wire) -> str:
    """Return when an Event begins and where it takes place, empty for everything else."""
    begins, place = time(wire.get("startTime")), first(wire.get("location"))
    name = clean_line(string(place.get("name")), limits.TITLE) if isinstance(place, dict) else ""
    return ", ".join(part for part in (f"{begins:%Y-%m-%d %H:%M} UTC" if begins else "", name) if part)


def _paragraph(html: str) -> str:
    return f"<p>{html}</p>" if html else ""


def _attachments(wire: Wire, kind: str) -> tuple[Attachment, ...]:
    media = read_attachments(wire.get("attachment"))
    if media or kind not in TITLED_TYPES:
        return media
    if kind == "Image":
        return read_preview(entries(wire.get("url")))
    return read_preview(wire.get("image") or wire.get("icon"))


def _quote(wire: Wire, tags: Tags) -> str | None:
    for name in _QUOTES:
        if name in wire and (quoted := uri(wire[name])):
            return quoted
    return tags.quote or None


def _allowed(wire: Wire) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """Return who may quote, unasked and asked (FEP-044f); the first is None where nothing is said of it.

    GoToSocial named both otherwise before.
    """
    policy = wire.get("interactionPolicy")
    terms = policy.get("canQuote") if isinstance(policy, dict) else None
    if not isinstance(terms, dict):
        return None, ()
    unasked = terms.get("automaticApproval", terms.get("always"))
    asked = terms.get("manualApproval", terms.get("approvalRequired"))
    return addresses(unasked, limits.ALLOWED), addresses(asked, limits.ALLOWED)
