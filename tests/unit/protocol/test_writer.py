"""What leaves this site, compared with documents kept in `golden`: their shape is what others rely on."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from shared.protocol import writer
from shared.protocol.activities import (
    Accept,
    Activity,
    Announce,
    Create,
    Delete,
    Follow,
    Reject,
    Undo,
    Unknown,
    UpdateActor,
    UpdateNote,
)
from shared.protocol.addressing import audience_for
from shared.protocol.local_uris import LocalUris
from shared.protocol.objects import (
    ActorKind,
    ActorProfile,
    Attachment,
    Emoji,
    Field,
    Mention,
    Note,
    Poll,
    PollOption,
    PublicKey,
    Visibility,
)
from shared.protocol.reader import read_actor
from tests.payloads.captured import document

_GOLDEN = Path(__file__).with_name("golden")
_URIS = LocalUris("https://loom.example")
_ADA, _LINUS = _URIS.actor(1), "https://mast.example/users/2"
_WHEN = datetime(2026, 9, 14, 10, 21, 34, 567_890, tzinfo=UTC)
_LATER = datetime(2026, 9, 14, 10, 30, tzinfo=UTC)


def _keys(owner: str) -> tuple[PublicKey, ...]:
    """Return published throw-away keys under the ids that a local actor gives them."""
    found = {key.algorithm: key.der for key in read_actor(document("fedify", "actor-alice")).keys}
    return (
        PublicKey(id=f"{owner}#main-key", owner=owner, algorithm="rsa", der=found["rsa"]),
        PublicKey(id=f"{owner}#ed25519-key", owner=owner, algorithm="ed25519", der=found["ed25519"]),
    )


def _actor() -> ActorProfile:
    return ActorProfile(
        id=_ADA,
        kind=ActorKind.PERSON,
        username="ada",
        inbox=_URIS.inbox(1),
        acct_domain="loom.example",
        name="Ada :loom:",
        summary="<p>Notes on the engine</p>",
        url=_URIS.profile_page("ada"),
        shared_inbox=_URIS.shared_inbox,
        outbox=_URIS.outbox(1),
        followers=_URIS.followers(1),
        following=_URIS.following(1),
        featured=_URIS.featured(1),
        featured_tags=_URIS.featured_tags(1),
        icon="https://loom.example/media/ada.png",
        fields=(Field(name="Web", value='<a href="https://ada.example" rel="me">ada.example</a>'),),
        emojis=(Emoji(shortcode="loom", url="https://loom.example/emoji/loom.png"),),
        discoverable=True,
        published=_WHEN,
        keys=_keys(_ADA),
    )


def _post(visibility: Visibility = Visibility.PUBLIC) -> Note:
    to, cc = audience_for(visibility, _URIS.followers(1), [_LINUS])
    return Note(
        id=_URIS.status(77),
        type="Note",
        attributed_to=_ADA,
        content="<p>Good morning</p>",
        language="en",
        published=_WHEN,
        url=_URIS.post_page("ada", 77),
        to=to,
        cc=cc,
        mentions=(Mention(href=_LINUS, name="@linus@mast.example"),),
        hashtags=("Loom",),
        context=_URIS.context(77),
        replies=_URIS.replies(77),
    )


def _rich_post() -> Note:
    return Note(
        id=_URIS.status(78),
        type="Note",
        attributed_to=_ADA,
        content="<p>Look</p>",
        summary="Careful",
        language="de",
        published=_WHEN,
        updated=_LATER,
        in_reply_to="https://mast.example/objects/5",
        quote="https://mast.example/objects/6",
        sensitive=True,
        to=(_URIS.followers(1),),
        emojis=(Emoji(shortcode="loom", url="https://loom.example/emoji/loom.png"),),
        attachments=(
            Attachment(
                url="https://loom.example/media/1.jpg",
                media_type="image/jpeg",
                description="A loom",
                width=4,
                height=3,
                blurhash="UBL_:rOpGG-oBUNG",
                focus=(0.5, -0.25),
            ),
        ),
    )


def _poll() -> Note:
    options = (PollOption(name="warp", votes=2), PollOption(name="weft"))
    return Note(
        id=_URIS.status(79),
        type="Question",
        attributed_to=_ADA,
        content="<p>Which?</p>",
        to=_post().to,
        poll=Poll(options=options, ends_at=_LATER, voters=2),
    )


class _Frame(TypedDict):
    id: str
    actor: str


_FRAME = _Frame(id=_URIS.activity(501), actor=_ADA)
_ACTIVITIES: dict[str, Activity] = {
    "create": Create(
        id=_URIS.create(77), actor=_ADA, to=_post().to, cc=_post().cc, published=_WHEN, note=_post()
    ),
    "update-note": UpdateNote(id=_URIS.update(78, 5), actor=_ADA, to=_rich_post().to, note=_rich_post()),
    "update-actor": UpdateActor(**_FRAME, to=_post().to, profile=_actor()),
    "follow": Follow(**_FRAME, object=_LINUS),
    "accept": Accept(**_FRAME, to=(_LINUS,), follow_id=f"{_LINUS}#f", follower=_LINUS, followee=_ADA),
    "reject": Reject(**_FRAME, to=(_LINUS,), follow_id=f"{_LINUS}#f", follower=_LINUS, followee=_ADA),
    "undo-follow": Undo(**_FRAME, undone_id=_URIS.activity(500), undone_type="Follow", object=_LINUS),
    "announce": Announce(
        **_FRAME, published=_WHEN, to=_post().to, cc=(_URIS.followers(1), _LINUS), object=f"{_LINUS}/5"
    ),
    "delete-note": Delete(id=_URIS.delete(77), actor=_ADA, to=_post().to, object=_URIS.status(77)),
    "delete-actor": Delete(id=_URIS.actor_delete(1), actor=_ADA, to=_post().to, object=_ADA),
}
_DOCUMENTS = {
    "actor": writer.write_actor(_actor()),
    "instance-actor": writer.write_actor(
        ActorProfile(
            id=_URIS.instance_actor,
            kind=ActorKind.APPLICATION,
            username="loom.example",
            inbox=_URIS.instance_inbox,
            outbox=_URIS.instance_outbox,
            locked=True,
            keys=_keys(_URIS.instance_actor),
        )
    ),
    "note": writer.write_note(_post()),
    "note-rich": writer.write_note(_rich_post()),
    "question": writer.write_note(_poll()),
    "tombstone": writer.write_tombstone(_URIS.status(77), deleted=_LATER, published=_WHEN),
    "collection": writer.write_collection(
        _URIS.outbox(1), total=2, first=f"{_URIS.outbox(1)}?page=true", last=f"{_URIS.outbox(1)}?min_id=0"
    ),
    "collection-hidden": writer.write_collection(_URIS.followers(1), total=7),
    "collection-items": writer.write_collection(_URIS.featured(1), total=1, items=[_post()]),
    "collection-page": writer.write_collection_page(
        f"{_URIS.outbox(1)}?page=true",
        part_of=_URIS.outbox(1),
        items=[_ACTIVITIES["create"], _URIS.activity(9)],
        following=f"{_URIS.outbox(1)}?max_id=3",
    ),
    "webfinger": writer.write_webfinger(
        acct=_URIS.acct("ada"),
        actor_uri=_ADA,
        profile_page=_URIS.profile_page("ada"),
        avatar="https://loom.example/media/ada.png",
        subscribe_template="https://loom.example/authorize_interaction?uri={uri}",
    ),
    "webfinger-server": writer.write_server_webfinger(origin=_URIS.origin, actor_uri=_URIS.instance_actor),
    "nodeinfo-links": writer.write_nodeinfo_links(_URIS.origin),
    "nodeinfo": writer.write_nodeinfo("2.1", software_version="0.1.0", users=2, active_month=1, posts=3),
    **{name: writer.write_activity(activity) for name, activity in _ACTIVITIES.items()},
}


@pytest.mark.parametrize("name", sorted(_DOCUMENTS))
def test_document_is_as_agreed(name: str) -> None:
    """A document has exactly the properties, shapes and contexts of its golden copy."""
    golden = json.loads((_GOLDEN / f"{name}.json").read_bytes())
    assert json.loads(_DOCUMENTS[name]) == golden


def test_every_golden_copy_is_compared() -> None:
    """No golden document lies about unused."""
    assert {path.stem for path in _GOLDEN.glob("*.json")} == set(_DOCUMENTS)


def test_single_recipients_stay_lists() -> None:
    """One entry in `to`, `tag` or `attachment` is still a list: some servers accept nothing else."""
    note = json.loads(writer.write_note(_rich_post()))
    assert isinstance(note["to"], list)
    assert isinstance(note["cc"], list)
    assert isinstance(note["attachment"], list)


@pytest.mark.parametrize("name", sorted(_ACTIVITIES))
def test_activity_names_its_context(name: str) -> None:
    """Every activity has a context, and nothing embedded has one of its own."""
    assert "@context" in json.loads(_DOCUMENTS[name])
    assert _DOCUMENTS[name].count(b'"@context"') == 1


def test_a_long_post_fits_into_what_the_smallest_bound_lets_through() -> None:
    """A post of 5,000 letters with four pictures, each with much text, takes less than 50 KB."""
    pictures = tuple(
        Attachment(
            url=f"https://loom.example/media/{number}.png", media_type="image/png", description="é" * 1500
        )
        for number in range(4)
    )
    note = replace(_rich_post(), content=f"<p>{'word ' * 1000}</p>", attachments=pictures)
    create = Create(id=f"{note.id}/activity", actor=note.attributed_to, to=note.to, cc=note.cc, note=note)
    assert len(writer.write_activity(create)) < 50_000


def test_unknown_activity_is_not_written() -> None:
    """What we do not understand we do not send."""
    with pytest.raises(ValueError, match="Unknown"):
        writer.write_activity(Unknown(**_FRAME, wire_type="View"))


def test_host_meta_holds_the_template() -> None:
    """host-meta is XML whose one link has a template with `{uri}` in it."""
    root = ET.fromstring(writer.write_host_meta("https://loom.example"))  # noqa: S314 - our own document
    (link,) = root.findall("{http://docs.oasis-open.org/ns/xri/xrd-1.0}Link")
    assert link.get("rel") == "lrdd"
    assert link.get("template") == "https://loom.example/.well-known/webfinger?resource={uri}"


def test_version_of_nodeinfo_is_in_its_media_type() -> None:
    """NodeInfo is served under the profile of its version."""
    assert writer.nodeinfo_type("2.0").endswith('schema/2.0#"')
