"""One activity on its way into the store, and the words for what can come of it."""

import hashlib
from enum import StrEnum
from typing import Any, Generic, TypeVar

from shared.protocol.activities import Activity, UpdateActor, UpdateNote, type_name
from shared.protocol.identifiers import uri_hash
from shared.protocol.messages import AcceptedActivity

_HASH = 16


class Outcome(StrEnum):
    """What came of an activity: the label of the metric and the column `claims.outcome`."""

    APPLIED = "applied"
    """It took effect."""
    REPEATED = "repeated"
    """It was applied before; nothing happened."""
    WAITING = "waiting"
    """What it concerns is not here yet; it takes effect on arrival."""
    UNDONE = "undone"
    """It was taken back before it came."""
    DELETED = "deleted"
    """What it concerns was deleted."""
    OUTDATED = "outdated"
    """A newer version is here already."""
    UNCONCERNED = "unconcerned"
    """It concerns nobody here, so it is not stored."""
    UNKNOWN_ACTOR = "unknown_actor"
    """Its actor is not known here, or is gone."""
    UNKNOWN_OBJECT = "unknown_object"
    """What it is about is not known here."""
    NOT_PERMITTED = "not_permitted"
    """Authentic, but its actor may not do this."""
    BLOCKED = "blocked"
    """One side blocks the other."""
    NOT_SUPPORTED = "not_supported"
    """An activity of this type has no effect here."""


A_co = TypeVar("A_co", bound=Activity, covariant=True)


class Work(Generic[A_co]):
    """An accepted activity in a batch; its handler sets the outcome.

    Args:
        accepted: The message.
        activity: Its activity.
    """

    __slots__ = ("accepted", "activity", "hash", "outcome")

    def __init__(self, accepted: AcceptedActivity, activity: A_co) -> None:
        self.accepted = accepted
        self.activity: A_co = activity
        self.hash = claim_hash(accepted)
        self.outcome = Outcome.APPLIED

    @property
    def local(self) -> bool:
        """Whether it was made here: the rows of its author are written already."""
        return self.accepted.local


AnyWork = Work[Any]


def claim_hash(accepted: AcceptedActivity) -> bytes:
    """Return under what an activity is claimed: its id, for an Update its contents too.

    Some servers send every Update of a profile under one id.
    """
    activity = accepted.activity
    if activity.id and not isinstance(activity, UpdateNote | UpdateActor):
        return uri_hash(activity.id)
    what = f"{type_name(activity)} {activity.actor} {activity.id} ".encode()
    return hashlib.sha256(what + accepted.digest).digest()[:_HASH]
