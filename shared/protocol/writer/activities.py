"""Activities, each with everything that its reader needs embedded."""

from functools import singledispatch

import msgspec

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
    UpdateActor,
    UpdateNote,
    type_name,
)
from shared.protocol.writer.actors import actor_wire
from shared.protocol.writer.context import ALL, PLAIN, POST, Wire, encode, moment, present
from shared.protocol.writer.notes import note_wire


def write_activity(activity: Activity) -> bytes:
    """Return an activity as it is sent.

    Raises:
        ValueError: It is of an unknown type.
    """
    return encode(_context(activity), activity_wire(activity))


def activity_wire(activity: Activity) -> Wire:
    """Return an activity without a context, to be listed in an outbox; raises ValueError as above."""
    return {
        **present({"id": activity.id}),
        "type": type_name(activity),
        "actor": activity.actor,
        **present({"published": moment(activity.published), "to": activity.to, "cc": activity.cc}),
        **_payload(activity),
    }


def _context(activity: Activity) -> msgspec.Raw:
    match activity:
        case Create() | UpdateNote() | QuoteRequest() | AcceptQuote() | RejectQuote():
            return POST
        case UpdateActor():
            return ALL
        case _:
            return PLAIN


@singledispatch
def _payload(activity: Activity) -> Wire:
    raise ValueError(f"no shape for {type(activity).__name__}")


@_payload.register
def _of_post(activity: Create | UpdateNote) -> Wire:
    # Addressed even where nobody is: a post without `to` and `cc` is dropped by some.
    return {"to": activity.to, "cc": activity.cc, "object": note_wire(activity.note)}


@_payload.register
def _of_profile(activity: UpdateActor) -> Wire:
    return {"object": actor_wire(activity.profile)}


@_payload.register
def _of_answer(activity: Accept | Reject) -> Wire:
    return {"object": _follow(activity)}


@_payload.register
def _of_quote_request(activity: QuoteRequest) -> Wire:
    instrument = note_wire(activity.note) if activity.note else activity.quoting
    return {"object": activity.object, "instrument": instrument}


@_payload.register
def _of_quote_answer(activity: AcceptQuote | RejectQuote) -> Wire:
    asked = present({"id": activity.request_id, "actor": activity.requester, "object": activity.object})
    request = {"type": "QuoteRequest", **asked, "instrument": activity.quoting}
    return {"object": request, **({"result": activity.stamp} if isinstance(activity, AcceptQuote) else {})}


@_payload.register
def _of_undo(activity: Undo) -> Wire:
    return {"object": _undone(activity)}


@_payload.register
def _of_delete(activity: Delete) -> Wire:
    # An account is deleted by its bare id; a post leaves a tombstone.
    if activity.object == activity.actor:
        return {"object": activity.object}
    return {"object": {"id": activity.object, "type": "Tombstone"}}


@_payload.register
def _of_flag(activity: Flag) -> Wire:
    return {"object": activity.objects, "content": activity.content}


@_payload.register
def _by_id(activity: Follow | Like | Announce | Block) -> Wire:
    return {"object": activity.object}


@_payload.register
def _of_reaction(activity: EmojiReact) -> Wire:
    return {"object": activity.object, "content": activity.content}


@_payload.register
def _with_target(activity: Add | Remove | Move) -> Wire:
    return {"object": activity.object, "target": activity.target}


def _follow(answer: Accept | Reject) -> object:
    if not (answer.follower and answer.followee):
        return answer.follow_id
    ends = {"type": "Follow", "actor": answer.follower, "object": answer.followee}
    return {**present({"id": answer.follow_id}), **ends}


def _undone(undo: Undo) -> object:
    if not undo.undone_type:
        return undo.undone_id
    known = {"id": undo.undone_id, "type": undo.undone_type, "actor": undo.actor, "object": undo.object}
    return present(known)
