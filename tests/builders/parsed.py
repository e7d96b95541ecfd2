"""Parsed values with defaults: notes, profiles and activities as the stages past the verifier know them.

The functions take changes by name, as `msgspec.structs.replace` does.
"""

import itertools
from datetime import UTC, datetime
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from shared.protocol.activities import (
    Accept,
    Activity,
    Announce,
    Block,
    Create,
    Delete,
    EmojiReact,
    Follow,
    Like,
    Undo,
    UpdateNote,
    type_name,
)
from shared.protocol.identifiers import PUBLIC, origin_of
from shared.protocol.messages import AcceptedActivity
from shared.protocol.objects import ActorKind, ActorProfile, Note
from tests.builders.wire import ADA, EDITH

WHEN = datetime(2026, 9, 14, 10, 21, 34, tzinfo=UTC)
_S = TypeVar("_S", bound=Struct)
_numbers = itertools.count(1)


def profile(uri: str = EDITH, **changes: object) -> ActorProfile:
    """Return a remote person; the name is the last part of the URI."""
    name, origin = uri.rstrip("/").rsplit("/", 1)[-1], origin_of(uri)
    return _changed(
        ActorProfile(
            id=uri,
            kind=ActorKind.PERSON,
            username=name,
            inbox=f"{uri}/inbox",
            name=name.title(),
            url=f"{origin}/@{name}",
            shared_inbox=f"{origin}/inbox",
            outbox=f"{uri}/outbox",
            followers=f"{uri}/followers",
            following=f"{uri}/following",
            featured=f"{uri}/featured",
        ),
        changes,
    )


def note(author: str = EDITH, **changes: object) -> Note:
    """Return a public post with an id of its own."""
    return _changed(
        Note(
            id=f"{author}/statuses/{next(_numbers)}",
            type="Note",
            attributed_to=author,
            content="<p>Good morning</p>",
            published=WHEN,
            to=(PUBLIC,),
            cc=(f"{author}/followers",),
        ),
        changes,
    )


def create(post: Note | None = None, **changes: object) -> Create:
    """Return the Create of a post."""
    post = note() if post is None else post
    made = Create(
        id=f"{post.id}/activity",
        actor=post.attributed_to,
        to=post.to,
        cc=post.cc,
        published=post.published,
        note=post,
    )
    return _changed(made, changes)


def update(post: Note, **changes: object) -> UpdateNote:
    """Return the Update of a post."""
    made = UpdateNote(id=_id(post.attributed_to), actor=post.attributed_to, to=post.to, cc=post.cc, note=post)
    return _changed(made, changes)


def delete(uri: str, actor: str = EDITH, **changes: object) -> Delete:
    """Return the Delete of a post or, with the actor's own URI, of the account."""
    return _changed(Delete(id=_id(actor), actor=actor, to=(PUBLIC,), object=uri), changes)


def follow(actor: str = EDITH, target: str = ADA, **changes: object) -> Follow:
    """Return a Follow."""
    return _changed(Follow(id=_id(actor), actor=actor, object=target), changes)


def accept(asked: Follow, **changes: object) -> Accept:
    """Return the Accept of a Follow by the one who is followed."""
    made = Accept(
        id=_id(asked.object),
        actor=asked.object,
        follow_id=asked.id,
        follower=asked.actor,
        followee=asked.object,
    )
    return _changed(made, changes)


def undo(undone: Follow | Like | EmojiReact | Announce | Block, **changes: object) -> Undo:
    """Return the Undo of an activity by its actor."""
    made = Undo(
        id=_id(undone.actor),
        actor=undone.actor,
        undone_id=undone.id,
        undone_type=type_name(undone),
        object=undone.object,
    )
    return _changed(made, changes)


def like(target: str, actor: str = EDITH, **changes: object) -> Like:
    """Return a Like of a post."""
    return _changed(Like(id=_id(actor), actor=actor, object=target), changes)


def announce(target: str, actor: str = EDITH, **changes: object) -> Announce:
    """Return a public boost of a post."""
    made = Announce(
        id=_id(actor), actor=actor, to=(PUBLIC,), cc=(f"{actor}/followers",), published=WHEN, object=target
    )
    return _changed(made, changes)


def block(target: str = ADA, actor: str = EDITH, **changes: object) -> Block:
    """Return a Block of an actor."""
    return _changed(Block(id=_id(actor), actor=actor, object=target), changes)


def accepted(activity: Activity, **changes: object) -> AcceptedActivity:
    """Return the message that carries an activity, remote and received now."""
    made = AcceptedActivity(
        activity=activity, local=False, received_at=datetime.now(UTC), trace=f"test-{next(_numbers)}"
    )
    return _changed(made, changes)


def _id(actor: str) -> str:
    return f"{origin_of(actor)}/activities/{next(_numbers)}"


def _changed(made: _S, changes: dict[str, object]) -> _S:
    return replace(made, **changes) if changes else made
