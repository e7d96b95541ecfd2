"""An id for what came without one: Takahē's Add and Remove carry none."""

import hashlib

import msgspec

from shared.protocol.activities import Activity, Add, Remove, type_name


def with_id(activity: Activity, signed_at: float) -> Activity:
    """Return an activity that has an id: its own, or one derived from what it says and when.

    The time of the signature is part of it. A copy of the same request has the same time and so the same
    id; adding again what was removed in between has another time, and takes effect.

    Args:
        activity: As read.
        signed_at: Unix time that the sender's signature covers (`Date` or `created`).
    """
    if activity.id or not isinstance(activity, Add | Remove):
        return activity
    kind = type_name(activity)
    said = "\n".join((kind, activity.actor, activity.object, activity.target, str(int(signed_at))))
    digest = hashlib.sha256(said.encode()).hexdigest()[:32]
    base = activity.actor.partition("#")[0]
    return msgspec.structs.replace(activity, id=f"{base}#{kind.lower()}-{digest}")
