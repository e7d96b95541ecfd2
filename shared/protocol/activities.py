"""The activities that Heddle understands, one frozen type each: past the verifier these are the proof."""

from datetime import datetime
from typing import Final

from msgspec import Struct

from shared.protocol.objects import ActorProfile, Note


class _Activity(Struct, frozen=True, kw_only=True, tag=True):
    """What every activity has: `id` is empty only where an authentic one came without (Takahē's Add).

    Whom `audience` names stands in `cc`: to address somebody in the one or the other makes no difference.
    """

    id: str
    actor: str
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    published: datetime | None = None


class Follow(_Activity, frozen=True, kw_only=True):
    """`actor` asks to follow `object` (ActivityPub section 6.5)."""

    object: str


class _Answer(_Activity, frozen=True, kw_only=True):
    """An answer to a Follow: by its id, and by both ends where the Follow is embedded."""

    follow_id: str = ""
    follower: str = ""
    followee: str = ""


class Accept(_Answer, frozen=True, kw_only=True):
    """`actor` lets `follower` in (section 6.6)."""


class Reject(_Answer, frozen=True, kw_only=True):
    """`actor` turns `follower` away, or removes them later (section 6.7)."""


class QuoteRequest(_Activity, frozen=True, kw_only=True):
    """`actor` asks to quote the post `object` in the post `quoting` (FEP-044f).

    `note` is the quoting post where it comes along, which is for who gets it before the post itself.
    """

    object: str
    quoting: str
    note: Note | None = None


class _QuoteAnswer(_Activity, frozen=True, kw_only=True):
    """An answer to a QuoteRequest: by its id, and by what it was about where it is embedded."""

    request_id: str = ""
    requester: str = ""
    object: str = ""
    quoting: str = ""


class AcceptQuote(_QuoteAnswer, frozen=True, kw_only=True):
    """`actor` lets its post be quoted; `stamp` is the id of the QuoteAuthorization."""

    stamp: str


class RejectQuote(_QuoteAnswer, frozen=True, kw_only=True):
    """`actor` does not let its post be quoted."""


class Undo(_Activity, frozen=True, kw_only=True):
    """Takes back an activity of the same actor (section 6.10).

    `undone_type` is the wire type of what is taken back, empty where only its id came; `object` is what
    that activity was about, empty where not embedded.
    """

    undone_id: str = ""
    undone_type: str = ""
    object: str = ""


class Create(_Activity, frozen=True, kw_only=True):
    """A new post (section 6.2)."""

    note: Note


class UpdateNote(_Activity, frozen=True, kw_only=True):
    """An edited post (section 6.3)."""

    note: Note


class UpdateActor(_Activity, frozen=True, kw_only=True):
    """An edited profile (section 6.3)."""

    profile: ActorProfile


class Delete(_Activity, frozen=True, kw_only=True):
    """A deleted post, or the whole account where `object` is the actor itself (section 6.4)."""

    object: str


class Like(_Activity, frozen=True, kw_only=True):
    """`actor` likes the post `object` (section 6.8)."""

    object: str


class EmojiReact(_Activity, frozen=True, kw_only=True):
    """`actor` reacts to the post `object` with an emoji (FEP-c0e0)."""

    object: str
    content: str


class Announce(_Activity, frozen=True, kw_only=True):
    """`actor` shares the post `object` (section 6.9, called a boost); `also` are more of them (FEP-1a11)."""

    object: str
    also: tuple[str, ...] = ()


class Block(_Activity, frozen=True, kw_only=True):
    """`actor` blocks the actor `object` (section 6.9 of the vocabulary)."""

    object: str


class Flag(_Activity, frozen=True, kw_only=True):
    """A report about actors and posts."""

    objects: tuple[str, ...]
    content: str = ""


class Add(_Activity, frozen=True, kw_only=True):
    """`object` joins the collection `target` (section 6.6 of ActivityPub: featured posts)."""

    object: str
    target: str


class Remove(_Activity, frozen=True, kw_only=True):
    """`object` leaves the collection `target`."""

    object: str
    target: str


class Move(_Activity, frozen=True, kw_only=True):
    """The account `object` moves to `target` (FEP-7628)."""

    object: str
    target: str


class Unknown(_Activity, frozen=True, kw_only=True):
    """A type that we do not act on; authentic, counted and let go."""

    wire_type: str


Activity = (
    Follow
    | Accept
    | Reject
    | QuoteRequest
    | AcceptQuote
    | RejectQuote
    | Undo
    | Create
    | UpdateNote
    | UpdateActor
    | Delete
    | Like
    | EmojiReact
    | Announce
    | Block
    | Flag
    | Add
    | Remove
    | Move
    | Unknown
)


_NAMES: Final[dict[type, str]] = {
    UpdateNote: "Update",
    UpdateActor: "Update",
    AcceptQuote: "Accept",
    RejectQuote: "Reject",
}


def type_name(activity: Activity) -> str:
    """Return the activity's type as it stands on the wire, for logs and metrics."""
    kind = type(activity)
    return _NAMES.get(kind) or kind.__name__
