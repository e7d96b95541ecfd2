"""Who may say what: an activity is bound to its signer, its contents to its actor (FEP-fe34). Pure."""

from shared.protocol.activities import (
    AcceptQuote,
    Activity,
    Create,
    Delete,
    QuoteRequest,
    UpdateActor,
    UpdateNote,
)
from shared.protocol.errors import Rejected
from shared.protocol.identifiers import same_origin
from shared.protocol.objects import Note


class IdElsewhere(Rejected):
    """The activity's id is on another origin than its actor: somebody else could have claimed it."""

    reason = "id_elsewhere"


class LocalActor(Rejected):
    """The activity claims to be by an actor, or signed by a key, of this site."""

    reason = "local_actor"


class ActorChanged(Rejected):
    """The activity in the body is not the one that the receiver saw."""

    reason = "envelope_mismatch"


class SignerNotActor(Rejected):
    """The key belongs to another actor than the activity's."""

    reason = "signer_not_actor"


class NotTheAuthor(Rejected):
    """The post is attributed to another actor."""

    reason = "attributed_elsewhere"


class ObjectElsewhere(Rejected):
    """The object is on another origin than the actor."""

    reason = "object_elsewhere"


class NotItself(Rejected):
    """An actor may describe itself only."""

    reason = "not_itself"


def check_signer(activity: Activity, signer: str) -> None:
    """Refuse an activity that the signer forwarded or forged; raises SignerNotActor."""
    if activity.actor != signer:
        raise SignerNotActor(f"signed by {signer[:200]}, by {activity.actor[:200]}")


def check_contents(activity: Activity) -> None:
    """Refuse what an actor may not say, whoever signed it; raises Rejected."""
    match activity:
        case Create(note=note) | UpdateNote(note=note):
            _check_note(note, activity.actor)
        case QuoteRequest(quoting=uri) | AcceptQuote(stamp=uri):
            _check_home(uri, activity.actor)
        case UpdateActor(profile=profile):
            if profile.id != activity.actor:
                raise NotItself(f"{activity.actor[:200]} about {profile.id[:200]}")
        case Delete(object=uri):
            _check_home(uri, activity.actor)


def _check_home(uri: str, actor: str) -> None:
    if not same_origin(uri, actor):
        raise ObjectElsewhere(uri[:200])


def _check_note(note: Note, actor: str) -> None:
    if note.attributed_to != actor:
        raise NotTheAuthor(f"{note.id[:200]} by {note.attributed_to[:200]}")
    if not same_origin(note.id, actor):
        raise ObjectElsewhere(note.id[:200])


def may_be_forwarded(activity: Activity) -> bool:
    """Tell whether servers pass this on for others (ActivityPub section 7.1.2): replies, edits, deletions.

    Nobody passes on the end of an actor: each server is told of that by the actor's own.
    """
    match activity:
        case Create(note=note):
            return note.in_reply_to is not None
        case UpdateNote():
            return True
        case Delete(object=uri):
            return uri != activity.actor
    return False
