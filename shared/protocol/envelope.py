"""The receiver's look at an activity: is it one at all, and whose does it say it is?"""

from typing import Final

from msgspec import Struct

from shared.protocol.errors import Malformed
from shared.protocol.identifiers import MAX_URI_LENGTH, is_id
from shared.protocol.wire import decode

MAX_TYPE_LENGTH: Final = 256
"""Characters of an activity's type."""

_WITHOUT_ID: Final = frozenset({"Add", "Remove"})


class Envelope(Struct, frozen=True, kw_only=True):
    """What stands on the outside; `id` is empty for an Add or Remove that has none."""

    id: str
    type: str
    actor: str


def peek(body: bytes) -> Envelope:
    """Return an activity's id, type and actor without judging the rest.

    Raises:
        Malformed: The body cannot be an activity; `reason` says why. `too_many_entries` means that it is
            too large rather than wrong.
    """
    activity = decode(body)
    kind = type_of_activity(activity)
    return Envelope(id=id_of_activity(activity, kind), type=kind, actor=actor_of_activity(activity))


def type_of_activity(activity: dict[str, object]) -> str:
    """Return the wire type of an activity, which is one string; raises Malformed."""
    kind = activity.get("type")
    if not isinstance(kind, str) or not 0 < len(kind) <= MAX_TYPE_LENGTH:
        raise Malformed("type is not a string", reason="type_missing" if kind is None else "type_invalid")
    return kind


def id_of_activity(activity: dict[str, object], kind: str) -> str:
    """Return an activity's id; empty where an Add or Remove has none. Raises Malformed.

    An id that is there but null, a number or an object is not the same as none.
    """
    if "id" not in activity:
        if kind in _WITHOUT_ID:
            return ""
        raise Malformed("no id", reason="id_missing")
    identifier = activity["id"]
    if not isinstance(identifier, str):
        raise Malformed(f"id is {type(identifier).__name__}, not a string", reason="id_invalid")
    if not is_id(identifier):
        long = len(identifier) > MAX_URI_LENGTH
        raise Malformed("id is not an absolute http URI", reason="id_too_long" if long else "id_invalid")
    return identifier


def actor_of_activity(activity: dict[str, object]) -> str:
    """Return the URI of the actor, given as such or as an object with an id; raises Malformed."""
    actor = activity.get("actor")
    if isinstance(actor, list) and len(actor) == 1:
        actor = actor[0]
    if isinstance(actor, dict):
        actor = actor.get("id")
    if actor is None:
        raise Malformed("no actor", reason="actor_missing")
    if not isinstance(actor, str) or not is_id(actor):
        raise Malformed("actor is not an absolute http URI", reason="actor_invalid")
    return actor
