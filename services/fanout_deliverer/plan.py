"""Planning without any I/O: whom an activity is meant for, and which messages bring it there."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from shared.database.delivery_plans import Destination, SentActivity
from shared.protocol.activities import (
    Accept,
    AcceptQuote,
    Activity,
    Announce,
    Block,
    Create,
    Delete,
    EmojiReact,
    Flag,
    Follow,
    Like,
    QuoteRequest,
    Reject,
    RejectQuote,
    Undo,
    UpdateActor,
    UpdateNote,
)
from shared.protocol.identifiers import PUBLIC, host_of
from shared.protocol.messages import AcceptedActivity, Delivery, Target
from shared.queue.topology import shard_of

_BETWEEN_TWO = (
    Follow | Accept | Reject | QuoteRequest | AcceptQuote | RejectQuote | Like | EmojiReact | Block | Flag
)
"""What concerns one other actor goes to that actor's own inbox: GoToSocial takes it nowhere else."""


class Audience(Struct, frozen=True, kw_only=True):
    """Whom an activity is meant for.

    `named` are URIs of actors, or of posts whose authors are meant. `subject` is the URI of what the
    activity tells of; with `recalls` it also goes to whoever was told of that before, and with
    `recalls_all` to whoever was ever told anything by its actor. `personal` prefers own inboxes. One that
    `follows_up` must not overtake what was sent of its subject before. `closed` says that it is for followers
    and not for everybody. `besides` is a host that gets nothing, for it is where the activity came from;
    `also` are inboxes of nobody whom it concerns, such as relays.
    """

    followers: bool
    named: tuple[str, ...]
    subject: str
    personal: bool = False
    recalls: bool = False
    recalls_all: bool = False
    closed: bool = False
    besides: str = ""
    also: tuple[Destination, ...] = ()
    follows_up: bool = False


def audience_of(activity: Activity, followers_uri: str) -> Audience:
    """Return whom an activity of ours is meant for.

    Args:
        activity: The activity.
        followers_uri: The followers collection of its actor.
    """
    addressed = (*activity.to, *activity.cc)
    followers = bool(followers_uri) and followers_uri in addressed
    ourselves = {PUBLIC, followers_uri, activity.actor, ""}
    named = dict.fromkeys(uri for uri in (*_concerned(activity), *addressed) if uri not in ourselves)
    return Audience(
        followers=followers,
        named=tuple(named),
        subject=subject_of(activity),
        personal=not followers and isinstance(activity, _BETWEEN_TWO | Undo),
        recalls=isinstance(activity, Delete | UpdateNote | Undo),
        recalls_all=isinstance(activity, Delete) and activity.object == activity.actor,
        closed=followers and PUBLIC not in addressed,
        follows_up=isinstance(activity, Delete | UpdateNote | UpdateActor | Undo),
    )


def recall_only(audience: Audience) -> Audience | None:
    """Return what an account that does not federate may still say: taking back what it sent."""
    if not audience.recalls:
        return None
    return Audience(
        followers=False,
        named=(),
        subject=audience.subject,
        recalls=True,
        recalls_all=audience.recalls_all,
        follows_up=True,
    )


def passed_on(activity: Activity) -> Audience:
    """Return whom an activity of somebody else is passed on to: followers, or whoever got what it changes."""
    new = isinstance(activity, Create)
    return Audience(
        followers=new,
        named=(),
        subject=subject_of(activity),
        recalls=not new,
        follows_up=not new,
        besides=host_of(activity.actor),
    )


def subject_of(activity: Activity) -> str:
    """Return the URI under which later activities of the same matter find this one."""
    match activity:
        case Create(note=note) | UpdateNote(note=note):
            return note.id
        case UpdateActor(profile=profile):
            return profile.id
        case Delete(object=uri):
            return uri
        case Undo(undone_id=uri) if uri:
            return uri
        case _:
            return activity.id


def _concerned(activity: Activity) -> tuple[str, ...]:
    """Return whom an activity is about, for many servers leave that out of `to`."""
    match activity:
        case Follow(object=uri) | Like(object=uri) | EmojiReact(object=uri) | Block(object=uri):
            return (uri,)
        case Announce(object=uri) | Undo(object=uri) | QuoteRequest(object=uri):
            return (uri,)
        case Accept(follower=uri) | Reject(follower=uri):
            return (uri,)
        case Flag(objects=uris):
            return uris[:1]
        case Create(note=note) | UpdateNote(note=note) if _is_open(activity):
            return (note.in_reply_to or "",)
        case _:
            return ()


def _is_open(activity: Activity) -> bool:
    # The author of what is replied to learns of it unless the reply is meant for others only.
    return PUBLIC in activity.to or PUBLIC in activity.cc


def plan_deliveries(
    sent: SentActivity, to: Iterable[Destination], most_targets: int, digests: Mapping[str, bytes]
) -> dict[int, list[Delivery]]:
    """Return the messages that bring an activity to these inboxes, by shard.

    A host is always in the same shard, so that its deliveries keep their order.

    Args:
        sent: The activity.
        to: Where it goes.
        most_targets: Inboxes in one message.
        digests: Of the author's followers by host, to be told along (FEP-8fcf).
    """
    shards: dict[int, list[Target]] = {}
    for destination in to:
        host = host_of(destination.inbox)
        followers = digests.get(host, b"")
        target = Target(inbox=destination.inbox, shared=destination.shared, followers=followers)
        shards.setdefault(shard_of(host), []).append(target)
    return {
        shard: [
            _message(sent, targets[start : start + most_targets])
            for start in range(0, len(targets), most_targets)
        ]
        for shard, targets in shards.items()
    }


def _message(sent: SentActivity, targets: Sequence[Target]) -> Delivery:
    return Delivery(
        activity_id=sent.uri,
        activity_type=sent.type,
        actor_id=sent.actor_id,
        body=sent.body,
        targets=tuple(targets),
        created_at=sent.created_at,
        trace=sent.trace,
    )


def sender_of(item: AcceptedActivity) -> str:
    """Return the URI of the account that an activity goes out for."""
    return item.passed_on_by or item.activity.actor


def by_author(items: Sequence[AcceptedActivity]) -> list[AcceptedActivity]:
    """Return activities author by author, those of one author in order, and who did least first.

    Between authors no order is promised, and a storm of one is then behind whatever came with it.
    """
    authors: dict[str, list[AcceptedActivity]] = {}
    for item in items:
        authors.setdefault(sender_of(item), []).append(item)
    return [item for theirs in sorted(authors.values(), key=len) for item in theirs]


def alone(audiences: Sequence[Audience]) -> set[str]:
    """Return the subjects that no two of these tell of: what was said of them before is not among these."""
    counts = Counter(audience.subject for audience in audiences)
    return {subject for subject, count in counts.items() if count == 1}
