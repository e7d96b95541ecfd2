"""Turns a step of the plan into the request that goes out, signed, or spoiled on purpose."""

import time
from collections.abc import Callable

from services.load_generator import payloads
from services.load_generator.keys import KeyRing
from services.load_generator.plan import Step
from services.load_generator.signing import SignedRequest, sign_post, unsigned_post

_TWO_DAYS = 172_800.0


def compose(step: Step) -> bytes:
    """Return the activity of a step; what is hostile looks like a post."""
    compose_kind = _COMPOSED.get(step.kind)
    if compose_kind is None:
        return payloads.create(step.actor, step.key, mention=step.target, at=step.written)
    return compose_kind(step)


_COMPOSED: dict[str, Callable[[Step], bytes]] = {
    "follow": lambda step: payloads.follow(step.actor, step.key, step.target),
    "unfollow": lambda step: payloads.undo_follow(step.actor, step.subject, step.target),
    "like": lambda step: payloads.like(step.actor, step.key, step.target),
    "announce": lambda step: payloads.announce(
        step.actor, step.key, step.target, step.author, at=step.written
    ),
    "update": lambda step: payloads.update(
        step.actor, step.key, step.subject, mention=step.target, at=step.written
    ),
    "delete": lambda step: payloads.delete(step.actor, step.subject),
    "delete_actor": lambda step: payloads.delete_actor(step.actor),
    "reply": lambda step: payloads.create(
        step.actor, step.key, mention=step.author, in_reply_to=step.target, at=step.written
    ),
}


def sign(keys: KeyRing, step: Step) -> SignedRequest:
    """Return the request of a step."""
    body, activity_id = compose(step), step.activity_id
    match step.kind:
        case "unsigned":
            return unsigned_post(step.inbox, activity_id, body)
        case "forged":
            return sign_post(keys, step.actor, step.inbox, activity_id, body, signed_by=step.actor.number + 1)
        case "stale":
            return sign_post(keys, step.actor, step.inbox, activity_id, body, now=time.time() - _TWO_DAYS)
        case "malformed":
            return sign_post(keys, step.actor, step.inbox, activity_id, body[:-2])
        case "tampered":
            request = sign_post(keys, step.actor, step.inbox, activity_id, body)
            changed = request.wire.replace(b"Lorem", b"Hello")
            return SignedRequest(activity_id, changed)
    return sign_post(keys, step.actor, step.inbox, activity_id, body)


def undo(keys: KeyRing, step: Step) -> SignedRequest:
    """Return the request that takes the Follow of a step back."""
    body = payloads.undo_follow(step.actor, step.key, step.target)
    return sign_post(keys, step.actor, step.inbox, f"{step.activity_id}/undo", body)
