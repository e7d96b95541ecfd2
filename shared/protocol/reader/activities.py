"""Activities: one small function for each type, found by its wire name."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, TypedDict

from shared.protocol.activities import (
    Accept,
    AcceptQuote,
    Activity,
    Add,
    Announce,
    Block,
    Create,
    Delete,
    EmojiReact,
    Flag,
    Follow,
    Like,
    Move,
    QuoteRequest,
    Reject,
    RejectQuote,
    Remove,
    Undo,
    Unknown,
    UpdateActor,
    UpdateNote,
)
from shared.protocol.envelope import actor_of_activity, id_of_activity, type_of_activity
from shared.protocol.errors import Malformed
from shared.protocol.objects import Note
from shared.protocol.reader import limits
from shared.protocol.reader.actors import ACTOR_TYPES, actor_from
from shared.protocol.reader.notes import POST_TYPES, note_of
from shared.protocol.reader.values import (
    Wire,
    addresses,
    copied_to,
    entries,
    first,
    required_uri,
    string,
    time,
    type_in,
    uri,
    uris,
)
from shared.protocol.text.sanitise import clean_line, clean_text
from shared.protocol.wire import decode

_ADDRESSED: Final = frozenset({"to", "cc", "audience"})

_KNOWN_KIND: Final = 64
"""Characters of a foreign type that are kept for the log."""


class _Frame(TypedDict):
    id: str
    actor: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    published: datetime | None


class _QuoteAsked(TypedDict):
    request_id: str
    requester: str
    object: str
    quoting: str


def read_activity(document: bytes) -> Activity:
    """Read an activity with everything embedded in it; raises Malformed."""
    wire = decode(document)
    kind = type_of_activity(wire)
    frame = _Frame(
        id=id_of_activity(wire, kind),
        actor=actor_of_activity(wire),
        to=addresses(wire.get("to"), limits.RECIPIENTS),
        cc=copied_to(wire, limits.RECIPIENTS),
        published=time(wire.get("published")),
    )
    read = _READERS.get(kind)
    return read(wire, frame) if read else _unknown(frame, kind)


def _unknown(frame: _Frame, kind: str, inner: object = "") -> Unknown:
    suffix = f"({string(inner)[:_KNOWN_KIND]})" if inner else ""
    return Unknown(**frame, wire_type=kind[:_KNOWN_KIND] + suffix)


def _embedded(wire: Wire) -> Wire:
    """Return the embedded object; a bare id is not enough here."""
    inner = first(wire.get("object"))
    if isinstance(inner, dict):
        return inner
    raise Malformed("the object is not embedded", reason="object_not_embedded")


def _object(wire: Wire) -> str:
    return required_uri(wire, "object")


def _follow(wire: Wire, frame: _Frame) -> Activity:
    return Follow(**frame, object=_object(wire))


def _accept(wire: Wire, frame: _Frame) -> Activity:
    return _answer(Accept, wire, frame)


def _reject(wire: Wire, frame: _Frame) -> Activity:
    return _answer(Reject, wire, frame)


def _answer(kind: type[Accept | Reject], wire: Wire, frame: _Frame) -> Activity:
    inner = first(wire.get("object"))
    if not isinstance(inner, dict):
        if kind is Accept and uri(wire.get("result")):
            return AcceptQuote(**frame, request_id=_object(wire), stamp=uri(wire.get("result")))
        return kind(**frame, follow_id=_object(wire))
    if inner.get("type") == "QuoteRequest":
        return _quote_answer(kind, wire, inner, frame)
    if inner.get("type") != "Follow":
        return _unknown(frame, kind.__name__, inner.get("type"))
    follower, followee = uri(inner.get("actor")), uri(inner.get("object"))
    if not uri(inner) and not (follower and followee):
        raise Malformed("a Follow without id and ends", reason="object_invalid")
    return kind(**frame, follow_id=uri(inner), follower=follower, followee=followee)


def _quote_answer(kind: type[Accept | Reject], wire: Wire, inner: Wire, frame: _Frame) -> Activity:
    about = _QuoteAsked(
        request_id=uri(inner),
        requester=uri(inner.get("actor")),
        object=uri(inner.get("object")),
        quoting=uri(inner.get("instrument")),
    )
    if not about["request_id"] and not about["quoting"]:
        raise Malformed("a QuoteRequest without id and instrument", reason="object_invalid")
    if kind is Reject:
        return RejectQuote(**frame, **about)
    return AcceptQuote(**frame, **about, stamp=required_uri(wire, "result"))


def _quote_request(wire: Wire, frame: _Frame) -> Activity:
    inner = first(wire.get("instrument"))
    note = note_of(inner, frame["actor"]) if isinstance(inner, dict) and type_in(inner, POST_TYPES) else None
    return QuoteRequest(**frame, object=_object(wire), quoting=required_uri(wire, "instrument"), note=note)


def _undo(wire: Wire, frame: _Frame) -> Activity:
    inner = first(wire.get("object"))
    if not isinstance(inner, dict):
        return Undo(**frame, undone_id=_object(wire))
    if "actor" in inner and uri(inner["actor"]) != frame["actor"]:
        raise Malformed("takes back what another did", reason="actor_mismatch")
    undone_id, about = uri(inner), uri(inner.get("object"))
    if not undone_id and not about:
        raise Malformed("neither an id nor an object", reason="object_invalid")
    kind = string(inner.get("type"))[:_KNOWN_KIND]
    return Undo(**frame, undone_id=undone_id, undone_type=kind, object=about)


def _create(wire: Wire, frame: _Frame) -> Activity:
    inner = _embedded(wire)
    if not type_in(inner, POST_TYPES):
        return _unknown(frame, "Create", inner.get("type"))
    return Create(**frame, note=_post(inner, frame))


def _update(wire: Wire, frame: _Frame) -> Activity:
    inner = _embedded(wire)
    if type_in(inner, POST_TYPES):
        return UpdateNote(**frame, note=_post(inner, frame))
    if type_in(inner, ACTOR_TYPES):
        return UpdateActor(**frame, profile=actor_from(inner))
    return _unknown(frame, "Update", inner.get("type"))


def _post(inner: Wire, frame: _Frame) -> Note:
    if inner.keys().isdisjoint(_ADDRESSED):
        # Where only the activity is addressed, the post has the same audience (ActivityPub section 6.2).
        inner = {**inner, "to": list(frame["to"]), "cc": list(frame["cc"])}
    return note_of(inner, frame["actor"])


def _delete(wire: Wire, frame: _Frame) -> Activity:
    return Delete(**frame, object=_object(wire))


def _like(wire: Wire, frame: _Frame) -> Activity:
    content = clean_line(string(wire.get("content") or wire.get("_misskey_reaction")), limits.REACTION)
    if content:
        return EmojiReact(**frame, object=_object(wire), content=content)
    return Like(**frame, object=_object(wire))


def _announce(wire: Wire, frame: _Frame) -> Activity:
    several = entries(wire.get("object"))
    if len(several) > 1:
        return _announce_of_several(several[: limits.ANNOUNCED], frame)
    inner = first(several)
    if not isinstance(inner, dict) or type_in(inner, POST_TYPES):
        return Announce(**frame, object=_object(wire))
    kind = type_in(inner, _ACTIVITY_TYPES)
    if kind == "Create":
        # A group passes on a whole activity (FEP-1b12): the post in it is what is shared.
        return Announce(**frame, object=required_uri(inner, "object"))
    if kind:
        return _unknown(frame, "Announce", kind)
    return Announce(**frame, object=_object(wire))


def _announce_of_several(several: Sequence[object], frame: _Frame) -> Activity:
    """Read a group's Announce of several things (FEP-1a11); those without an effect are left out."""
    single = [_announce({"object": one}, frame) for one in several if uri(one)]
    shared = dict.fromkeys(one.object for one in single if isinstance(one, Announce))
    if not shared:
        return _unknown(frame, "Announce", "several")
    return Announce(**frame, object=next(iter(shared)), also=tuple(shared)[1:])


def _block(wire: Wire, frame: _Frame) -> Activity:
    return Block(**frame, object=_object(wire))


def _flag(wire: Wire, frame: _Frame) -> Activity:
    objects = uris(wire.get("object"), limits.FLAGGED)
    if not objects:
        raise Malformed("reports nothing", reason="object_missing")
    return Flag(**frame, objects=objects, content=clean_text(string(wire.get("content")), limits.REPORT))


def _add(wire: Wire, frame: _Frame) -> Activity:
    inner = first(wire.get("object"))
    if isinstance(inner, dict) and not uri(inner):
        return _unknown(frame, "Add", inner.get("type"))
    return Add(**frame, object=_object(wire), target=required_uri(wire, "target"))


def _remove(wire: Wire, frame: _Frame) -> Activity:
    inner = first(wire.get("object"))
    if isinstance(inner, dict) and not uri(inner):
        return _unknown(frame, "Remove", inner.get("type"))
    return Remove(**frame, object=_object(wire), target=required_uri(wire, "target"))


def _move(wire: Wire, frame: _Frame) -> Activity:
    return Move(**frame, object=_object(wire), target=required_uri(wire, "target"))


_READERS: Final[dict[str, Callable[[Wire, _Frame], Activity]]] = {
    "Follow": _follow,
    "Accept": _accept,
    "Reject": _reject,
    "QuoteRequest": _quote_request,
    "Undo": _undo,
    "Create": _create,
    "Update": _update,
    "Delete": _delete,
    "Like": _like,
    "EmojiReact": _like,
    "Announce": _announce,
    "Block": _block,
    "Flag": _flag,
    "Add": _add,
    "Remove": _remove,
    "Move": _move,
}
_ACTIVITY_TYPES: Final = frozenset(_READERS) | {"Dislike", "Lock"}
