"""Every payload of every server is understood: those written here and those captured."""

import pytest

from shared.protocol.activities import Add, Remove, Unknown
from shared.protocol.envelope import peek
from shared.protocol.objects import ActorProfile, Note
from shared.protocol.reader import (
    read_activity,
    read_actor,
    read_key_owner,
    read_nodeinfo,
    read_nodeinfo_links,
    read_object,
    read_webfinger,
)
from tests.payloads.captured import Captured, captured_requests, document
from tests.unit.protocol.payloads import payload, written

_BY_VERB = {
    "accept": "Accept",
    "add": "Add",
    "announce": "Announce",
    "block": "Block",
    "create": "Create",
    "delete": "Delete",
    "emoji": "EmojiReact",
    "flag": "Flag",
    "follow": "Follow",
    "like": "Like",
    "move": "Move",
    "react": "EmojiReact",
    "reject": "Reject",
    "remove": "Remove",
    "renote": "Announce",
    "story": "Add",
    "undo": "Undo",
}
_EXCEPTIONS = {
    "lemmy/announce-delete": "Unknown",
    "lemmy/announce-like": "Unknown",
    "lemmy/dislike": "Unknown",
    "lemmy/private-message": "Unknown",
    "mastodon/add-featured-tag": "Unknown",
    "mastodon/quote-request": "QuoteRequest",
    "mastodon/update-actor": "UpdateActor",
    "peertube/create-cache-file": "Unknown",
    "peertube/dislike": "Unknown",
    "peertube/view": "Unknown",
}
_POSTS = [capture for capture in captured_requests() if capture.request.method == "POST"]


def _expected(name: str) -> str:
    if name in _EXCEPTIONS:
        return _EXCEPTIONS[name]
    verb = name.partition("/")[2].partition("-")[0]
    return "UpdateNote" if verb == "update" else _BY_VERB[verb]


@pytest.mark.parametrize("name", written(documents=False))
def test_written_activity_is_read_as_its_type(name: str) -> None:
    """An activity in another server's shape becomes the type that it stands for."""
    assert type(read_activity(payload(name))).__name__ == _expected(name)


@pytest.mark.parametrize("name", written(documents=False))
def test_envelope_and_reader_agree(name: str) -> None:
    """What the receiver sees on the outside is what the verifier finds inside."""
    envelope, activity = peek(payload(name)), read_activity(payload(name))
    assert (envelope.id, envelope.actor) == (activity.id, activity.actor)


@pytest.mark.parametrize("capture", _POSTS, ids=lambda capture: f"{capture.server}-{capture.name}")
def test_captured_activity_is_read(capture: Captured) -> None:
    """Nothing that a real server sent is unknown or malformed, and only Add and Remove lack an id."""
    activity = read_activity(capture.request.body)
    assert not isinstance(activity, Unknown)
    assert activity.id or isinstance(activity, Add | Remove)
    assert peek(capture.request.body).id == activity.id


@pytest.mark.parametrize("name", [n for n in written(documents=True) if "/actor-" in n])
def test_written_actor_is_read_with_its_key(name: str) -> None:
    """Every actor document yields an inbox, a name and the key that signs."""
    actor = read_actor(payload(name))
    assert actor.inbox
    assert actor.username
    assert [key.owner for key in actor.keys] == [actor.id]
    assert actor.keys[0].algorithm == "rsa"


@pytest.mark.parametrize(
    ("server", "name", "username"),
    [
        ("gotosocial", "actor-greg", "greg"),
        ("gotosocial", "actor-instance", "gts.test"),
        ("takahe", "actor-tom", "tom"),
        ("takahe", "actor-instance", "__system__"),
        ("fedify", "actor-alice", "alice"),
    ],
)
def test_captured_actor_is_read(server: str, name: str, username: str) -> None:
    """A real actor document is read, and `read_object` knows it for one."""
    actor = read_object(document(server, name))
    assert isinstance(actor, ActorProfile)
    assert actor.username == username
    assert actor.keys


@pytest.mark.parametrize(
    ("server", "name"),
    [
        ("gotosocial", "note-public"),
        ("gotosocial", "note-media"),
        ("gotosocial", "note-unlisted"),
        ("gotosocial", "question"),
        ("takahe", "note-public"),
        ("takahe", "note-media"),
        ("takahe", "note-unlisted"),
    ],
)
def test_captured_post_is_read(server: str, name: str) -> None:
    """A real post that was fetched is read, and `read_object` knows it for one."""
    note = read_object(document(server, name))
    assert isinstance(note, Note)
    assert note.content
    assert note.published


@pytest.mark.parametrize(
    ("server", "name"),
    [
        ("gotosocial", "key-greg"),
        ("gotosocial", "key-instance"),
        ("takahe", "key-tom"),
        ("takahe", "key-instance"),
        ("fedify", "key-alice"),
    ],
)
def test_captured_key_document_names_its_owner(server: str, name: str) -> None:
    """A key's own document says whose it is, be it a bare key, a stub or a whole actor."""
    found = read_key_owner(document(server, name))
    assert found.owner
    assert [key.owner for key in found.keys] == [found.owner]


def test_fedify_actor_has_all_three_keys() -> None:
    """A Multikey is read beside `publicKey`, RSA and Ed25519 alike, and RSA comes out the same both ways."""
    keys = {key.id.partition("#")[2]: key for key in read_actor(document("fedify", "actor-alice")).keys}
    assert sorted(keys) == ["main-key", "multikey-1", "multikey-2"]
    assert keys["multikey-1"].der == keys["main-key"].der
    assert keys["multikey-2"].algorithm == "ed25519"


@pytest.mark.parametrize(
    ("content", "acct"),
    [
        (document("gotosocial", "webfinger-greg"), "greg@gts.test"),
        (document("takahe", "webfinger-tom"), "tom@takahe.test"),
        (document("fedify", "webfinger-alice"), "alice@127.0.0.1:8300"),
        (payload("mastodon/webfinger-edith"), "edith@mastodon.example"),
    ],
)
def test_webfinger_leads_from_handle_to_actor(content: bytes, acct: str) -> None:
    """A JRD gives the handle in its true form and the actor's id."""
    found = read_webfinger(content)
    assert found.acct == acct
    assert found.actor_uri in found.aliases or acct == "tom@takahe.test"


def test_nodeinfo_names_the_software() -> None:
    """A server's software is known after two documents."""
    assert read_nodeinfo_links(document("gotosocial", "nodeinfo-links")) == "https://gts.test/nodeinfo/2.1"
    assert read_nodeinfo_links(document("takahe", "nodeinfo-links")) == "https://takahe.test/nodeinfo/2.0/"
    assert read_nodeinfo(document("gotosocial", "nodeinfo-2.1")).software == "gotosocial"
    assert read_nodeinfo(document("takahe", "nodeinfo-2.0")).version == "0.11.0"
    assert read_nodeinfo(payload("mastodon/nodeinfo-2.0")).software == "mastodon"
