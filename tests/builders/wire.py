"""Documents in wire form, shaped as Mastodon sends them; `encode` makes bytes of one."""

import itertools
import json

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
STREAMS = "https://www.w3.org/ns/activitystreams"
ORIGIN = "https://remote.example"
EDITH = f"{ORIGIN}/users/edith"
ADA = "https://loom.example/users/1"

Wire = dict[str, object]
_numbers = itertools.count(1)


def encode(document: Wire) -> bytes:
    """Return a document as it travels."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def actor(uri: str = EDITH, **changes: object) -> Wire:
    """Return a Person; give `public_key` as a whole object to let it sign."""
    origin, name = "/".join(uri.split("/")[:3]), uri.rstrip("/").rsplit("/", 1)[-1]
    return _document(
        {
            "id": uri,
            "type": "Person",
            "preferredUsername": name,
            "name": name.title(),
            "summary": "",
            "url": f"{origin}/@{name}",
            "inbox": f"{uri}/inbox",
            "outbox": f"{uri}/outbox",
            "followers": f"{uri}/followers",
            "following": f"{uri}/following",
            "endpoints": {"sharedInbox": f"{origin}/inbox"},
            "manuallyApprovesFollowers": False,
            "attachment": [],
            "tag": [],
        },
        changes,
    )


def note(author: str = EDITH, **changes: object) -> Wire:
    """Return a public Note with an id of its own."""
    uri = f"{author}/statuses/{next(_numbers)}"
    return {
        "id": uri,
        "type": "Note",
        "summary": None,
        "inReplyTo": None,
        "published": "2026-09-14T10:21:34Z",
        "url": uri.replace("/users/", "/@"),
        "attributedTo": author,
        "to": [PUBLIC],
        "cc": [f"{author}/followers"],
        "sensitive": False,
        "content": "<p>Good morning</p>",
        "attachment": [],
        "tag": [],
        **changes,
    }


def mention(uri: str = ADA, name: str = "@ada@loom.example") -> Wire:
    """Return a Mention tag."""
    return {"type": "Mention", "href": uri, "name": name}


def hashtag(name: str, origin: str = ORIGIN) -> Wire:
    """Return a Hashtag tag for a name without #."""
    return {"type": "Hashtag", "href": f"{origin}/tags/{name.lower()}", "name": f"#{name}"}


def activity(kind: str, actor_uri: str, **changes: object) -> Wire:
    """Return an activity of any type with an id of its own."""
    origin = "/".join(actor_uri.split("/")[:3])
    identifier = f"{origin}/activities/{next(_numbers)}"
    return _document({"id": identifier, "type": kind, "actor": actor_uri}, changes)


def create(post: Wire | None = None, **changes: object) -> Wire:
    """Return the Create of a post, addressed like it."""
    post = note() if post is None else post
    own: Wire = {name: post[name] for name in ("to", "cc", "published") if name in post}
    own |= {"id": f"{post['id']}/activity", "object": post}
    return activity("Create", str(post["attributedTo"]), **(own | changes))


def update(post: Wire, **changes: object) -> Wire:
    """Return the Update of a post, dated a minute after its usual date."""
    own: Wire = {name: post[name] for name in ("to", "cc")}
    own |= {"object": {"updated": "2026-09-14T10:22:34Z", **post}}
    return activity("Update", str(post["attributedTo"]), **(own | changes))


def delete(uri: str, actor_uri: str = EDITH, **changes: object) -> Wire:
    """Return the Delete of a post."""
    tombstone = {"id": uri, "type": "Tombstone"}
    return activity("Delete", actor_uri, **{"to": [PUBLIC], "object": tombstone, **changes})


def follow(actor_uri: str = EDITH, target: str = ADA, **changes: object) -> Wire:
    """Return a Follow."""
    return activity("Follow", actor_uri, **{"object": target, **changes})


def accept(follow_activity: Wire, **changes: object) -> Wire:
    """Return the Accept of a Follow by the one who is followed."""
    return activity("Accept", str(follow_activity["object"]), **{"object": follow_activity, **changes})


def undo(undone: Wire, **changes: object) -> Wire:
    """Return the Undo of an activity by its actor."""
    inner = {name: value for name, value in undone.items() if name != "@context"}
    return activity("Undo", str(undone["actor"]), **{"object": inner, **changes})


def like(target: str, actor_uri: str = EDITH, **changes: object) -> Wire:
    """Return a Like of a post."""
    return activity("Like", actor_uri, **{"object": target, **changes})


def announce(target: str, actor_uri: str = EDITH, **changes: object) -> Wire:
    """Return a public boost of a post."""
    audience = {"to": [PUBLIC], "cc": [f"{actor_uri}/followers"], "published": "2026-09-14T11:00:00Z"}
    return activity("Announce", actor_uri, **{**audience, "object": target, **changes})


def block(target: str = ADA, actor_uri: str = EDITH, **changes: object) -> Wire:
    """Return a Block of an actor."""
    return activity("Block", actor_uri, **{"object": target, **changes})


def _document(wire: Wire, changes: Wire) -> Wire:
    return {"@context": [STREAMS, "https://w3id.org/security/v1"], **wire, **changes}
