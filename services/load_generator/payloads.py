"""The activities that simulated actors send, in the shape in which Mastodon sends them."""

import base64
import hashlib
from datetime import UTC, datetime

from msgspec import json

from services.load_generator.population import SimulatedActor

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
CONTEXT_SHORT = "https://www.w3.org/ns/activitystreams"
_CONTEXT = [
    CONTEXT_SHORT,
    {
        "ostatus": "http://ostatus.org#",
        "atomUri": "ostatus:atomUri",
        "inReplyToAtomUri": "ostatus:inReplyToAtomUri",
        "conversation": "ostatus:conversation",
        "sensitive": "as:sensitive",
        "toot": "http://joinmastodon.org/ns#",
        "votersCount": "toot:votersCount",
    },
]
_TEXT = (
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore "
    "et dolore magna aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris."
)


def _time(at: float | None) -> str:
    moment = datetime.now(UTC) if at is None else datetime.fromtimestamp(at, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def note_uri(actor: SimulatedActor, key: str) -> str:
    """Return the id of the actor's post with this key."""
    return f"{actor.uri}/statuses/{key}"


def create(
    actor: SimulatedActor,
    key: str,
    *,
    mention: str = "",
    in_reply_to: str | None = None,
    at: float | None = None,
) -> bytes:
    """Return a public Create of a Note.

    Args:
        actor: Who writes.
        key: Makes its ids unique.
        mention: An actor that it names.
        in_reply_to: A post that it answers.
        at: Unix time at which it was published; the present unless given.
    """
    note, published = note_uri(actor, key), _time(at)
    cc = [f"{actor.uri}/followers", *([mention] if mention else [])]
    tags = [{"type": "Mention", "href": mention, "name": "@you"}] if mention else []
    return json.encode(
        {
            "@context": _CONTEXT,
            "id": f"{note}/activity",
            "type": "Create",
            "actor": actor.uri,
            "published": published,
            "to": [PUBLIC],
            "cc": cc,
            "object": {
                "id": note,
                "type": "Note",
                "summary": None,
                "inReplyTo": in_reply_to,
                "published": published,
                "url": f"http://{actor.host}/@{actor.username}/{key}",
                "attributedTo": actor.uri,
                "to": [PUBLIC],
                "cc": cc,
                "sensitive": False,
                "atomUri": note,
                "inReplyToAtomUri": in_reply_to,
                "conversation": f"tag:{actor.host},2026-01-01:objectId={key}:objectType=Conversation",
                "content": f"<p>{_TEXT}</p>",
                "contentMap": {"en": f"<p>{_TEXT}</p>"},
                "attachment": [],
                "tag": tags,
                "replies": {
                    "id": f"{note}/replies",
                    "type": "Collection",
                    "first": {
                        "type": "CollectionPage",
                        "next": f"{note}/replies?only_other_accounts=true&page=true",
                        "partOf": f"{note}/replies",
                        "items": [],
                    },
                },
            },
        }
    )


def update(
    actor: SimulatedActor, key: str, post: str, *, mention: str = "", at: float | None = None
) -> bytes:
    """Return an Update of the actor's post with the key `post`, edited at this Unix time."""
    note, now = note_uri(actor, post), _time(at)
    return json.encode(
        {
            "@context": _CONTEXT,
            "id": f"{note}#updates/{key}",
            "type": "Update",
            "actor": actor.uri,
            "published": now,
            "to": [PUBLIC],
            "cc": [f"{actor.uri}/followers"],
            "object": {
                "id": note,
                "type": "Note",
                "published": now,
                "updated": now,
                "attributedTo": actor.uri,
                "to": [PUBLIC],
                "cc": [f"{actor.uri}/followers", *([mention] if mention else [])],
                "content": f"<p>Edited: {_TEXT}</p>",
                "tag": [{"type": "Mention", "href": mention, "name": "@you"}] if mention else [],
            },
        }
    )


def delete(actor: SimulatedActor, post: str) -> bytes:
    """Return a Delete of the actor's post with the key `post`."""
    note = note_uri(actor, post)
    return json.encode(
        {
            "@context": CONTEXT_SHORT,
            "id": f"{note}#delete",
            "type": "Delete",
            "actor": actor.uri,
            "to": [PUBLIC],
            "object": {"id": note, "type": "Tombstone", "atomUri": note},
        }
    )


def delete_actor(actor: SimulatedActor) -> bytes:
    """Return the Delete of an account, as it is sent to every server known."""
    return json.encode(
        {
            "@context": CONTEXT_SHORT,
            "id": f"{actor.uri}#delete",
            "type": "Delete",
            "actor": actor.uri,
            "to": [PUBLIC],
            "object": actor.uri,
        }
    )


def announce(actor: SimulatedActor, key: str, target: str, author: str, *, at: float | None = None) -> bytes:
    """Return a public boost, made at this Unix time, of the post `target` by `author`."""
    return json.encode(
        {
            "@context": CONTEXT_SHORT,
            "id": f"{actor.uri}#announces/{key}",
            "type": "Announce",
            "actor": actor.uri,
            "published": _time(at),
            "to": [PUBLIC],
            "cc": [author, f"{actor.uri}/followers"],
            "object": target,
        }
    )


def follow(actor: SimulatedActor, key: str, target: str) -> bytes:
    """Return a Follow of the actor `target`."""
    return json.encode(
        {
            "@context": CONTEXT_SHORT,
            "id": f"{actor.uri}#follows/{key}",
            "type": "Follow",
            "actor": actor.uri,
            "object": target,
        }
    )


def like(actor: SimulatedActor, key: str, target: str) -> bytes:
    """Return a Like of the post `target`."""
    return json.encode(
        {
            "@context": CONTEXT_SHORT,
            "id": f"{actor.uri}#likes/{key}",
            "type": "Like",
            "actor": actor.uri,
            "object": target,
        }
    )


def undo_follow(actor: SimulatedActor, followed: str, target: str) -> bytes:
    """Return the Undo of the Follow with the key `followed`."""
    return json.encode(
        {
            "@context": CONTEXT_SHORT,
            "id": f"{actor.uri}#follows/{followed}/undo",
            "type": "Undo",
            "actor": actor.uri,
            "object": {
                "id": f"{actor.uri}#follows/{followed}",
                "type": "Follow",
                "actor": actor.uri,
                "object": target,
            },
        }
    )


def accept(actor: SimulatedActor, follow_id: str, follower: str) -> bytes:
    """Return the actor's Accept of a Follow by `follower`."""
    return json.encode(
        {
            "@context": CONTEXT_SHORT,
            "id": f"{actor.uri}#accepts/{hashlib.sha256(follow_id.encode()).hexdigest()[:24]}",
            "type": "Accept",
            "actor": actor.uri,
            "object": {"id": follow_id, "type": "Follow", "actor": follower, "object": actor.uri},
        }
    )


def digest(body: bytes) -> str:
    """Return the value of the Digest header (RFC 3230)."""
    return "SHA-256=" + base64.b64encode(hashlib.sha256(body).digest()).decode()
