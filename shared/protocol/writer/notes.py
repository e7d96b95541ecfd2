"""Posts, and what is left of them."""

from datetime import datetime
from html import escape
from typing import Final

from shared.protocol.objects import Attachment, Note, Poll, QuoteAuthorization
from shared.protocol.writer.context import PLAIN, POST, Wire, encode, moment, present
from shared.protocol.writer.tags import tags_of

_KINDS: Final = {"image": "Image", "video": "Video", "audio": "Audio"}


def write_note(note: Note) -> bytes:
    """Return a post's document."""
    return encode(POST, note_wire(note))


def write_tombstone(
    uri: str, *, former_type: str = "Note", deleted: datetime | None = None, published: datetime | None = None
) -> bytes:
    """Return what stands in a deleted post's place (FEP-4f05), to be served with 410."""
    wire: Wire = {
        "id": uri,
        "type": "Tombstone",
        "formerType": former_type,
        "published": moment(published),
        "deleted": moment(deleted),
    }
    return encode(PLAIN, present(wire))


def note_wire(note: Note) -> Wire:
    """Return a post without a context, to be embedded."""
    if note.is_vote:
        return _vote(note)
    content = _quote_link(note.quote) + note.content if note.quote else note.content
    by_language = {note.language: content} if note.language else None
    return {
        "id": note.id,
        "type": note.type,
        # Present though null: some servers take a missing summary for an unknown one.
        "summary": note.summary or None,
        "inReplyTo": note.in_reply_to,
        **present(
            {
                "name": note.name,
                "published": moment(note.published),
                "updated": moment(note.updated),
                "url": note.url,
            }
        ),
        "attributedTo": note.attributed_to,
        "to": note.to,
        "cc": note.cc,
        "sensitive": note.sensitive,
        **present(
            {
                "context": note.context,
                "conversation": note.context,
                "quote": note.quote,
                "quoteUri": note.quote,
                "_misskey_quote": note.quote,
                "quoteAuthorization": note.quote_authorization,
            }
        ),
        **_policy(note),
        "content": content,
        **present({"contentMap": by_language}),
        "attachment": [_attachment(attachment) for attachment in note.attachments],
        "tag": tags_of(note),
        **present({"replies": note.replies}),
        **(_poll(note.poll) if note.poll else {}),
    }


def write_quote_authorization(stamp: QuoteAuthorization) -> bytes:
    """Return the document of a stamp (FEP-044f)."""
    wire: Wire = {
        "id": stamp.id,
        "type": "QuoteAuthorization",
        "attributedTo": stamp.attributed_to,
        "interactingObject": stamp.quoting,
        "interactionTarget": stamp.quoted,
    }
    return encode(POST, wire)


def _policy(note: Note) -> Wire:
    """Return who may quote a post unasked (FEP-044f); whom nobody else names is the author alone."""
    if note.may_quote is None:
        return {}
    allowed = list(note.may_quote) or [note.attributed_to]
    return {"interactionPolicy": {"canQuote": {"automaticApproval": allowed}}}


def _quote_link(uri: str) -> str:
    """Return what readers that know no quotes see; those that do leave out what has this class."""
    link = escape(uri)
    return f'<p class="quote-inline">RE: <a href="{link}">{link}</a></p>'


def _vote(note: Note) -> Wire:
    """Return a vote, with so little in it that nobody takes it for a post (FEP-9967)."""
    return {
        "id": note.id,
        "type": note.type,
        "name": note.name,
        "inReplyTo": note.in_reply_to,
        "attributedTo": note.attributed_to,
        "to": note.to,
    }


def _attachment(media: Attachment) -> Wire:
    kind = _KINDS.get(media.media_type.partition("/")[0], "Document")
    shape: Wire = {
        "mediaType": media.media_type,
        "url": media.url,
        "blurhash": media.blurhash,
        "focalPoint": media.focus,
        "width": media.width,
        "height": media.height,
    }
    return {"type": kind, "name": media.description or None, **present(shape)}


def _poll(poll: Poll) -> Wire:
    options = [
        {"type": "Note", "name": o.name, "replies": {"type": "Collection", "totalItems": o.votes}}
        for o in poll.options
    ]
    times: Wire = {
        "endTime": moment(poll.ends_at),
        "closed": moment(poll.closed_at),
        "votersCount": poll.voters,
    }
    return {"anyOf" if poll.multiple else "oneOf": options, **present(times)}
