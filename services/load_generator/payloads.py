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


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def create(actor: SimulatedActor, key: str, *, mention: str = "") -> bytes:
    """Return a public Create of a Note; `key` makes its ids unique, `mention` is an actor it names."""
    note, published = f"{actor.uri}/statuses/{key}", _now()
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
                "inReplyTo": None,
                "published": published,
                "url": f"http://{actor.host}/@{actor.username}/{key}",
                "attributedTo": actor.uri,
                "to": [PUBLIC],
                "cc": cc,
                "sensitive": False,
                "atomUri": note,
                "inReplyToAtomUri": None,
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


def digest(body: bytes) -> str:
    """Return the value of the Digest header (RFC 3230)."""
    return "SHA-256=" + base64.b64encode(hashlib.sha256(body).digest()).decode()
