"""What an activity names: the actors and posts to look up, and what else may be about the same thing."""

from collections.abc import Iterable, Sequence
from functools import singledispatchmethod
from typing import Any

from shared.protocol.activities import (
    Accept,
    Add,
    Announce,
    Block,
    Create,
    Delete,
    EmojiReact,
    Flag,
    Follow,
    Like,
    Move,
    QuoteRequest,
    Reject,
    Remove,
    Undo,
    UpdateActor,
    UpdateNote,
)
from shared.protocol.identifiers import uri_hash
from shared.protocol.local_uris import LocalUris
from shared.protocol.objects import Note

_LOCK_BYTES = 8


class References:
    """Gathers the URIs that the activities of a batch name.

    `subjects` are ids that an Undo, a Delete or an Update may be waiting for. `exclusive` and `shared` are
    the things that must not be worked on by two transactions at once: two that bring an activity and its
    Undo, or a reply and its parent, would each not see the other.

    Args:
        uris: Tells which addresses are people here.
    """

    def __init__(self, uris: LocalUris) -> None:
        self._uris = uris
        self.actors: set[str] = set()
        self.statuses: set[str] = set()
        self.subjects: set[str] = set()
        self._exclusive: set[str] = set()
        self._shared: set[str] = set()

    def lock_numbers(self) -> dict[int, bool]:
        """Return the numbers to lock, and for each whether nobody else may share it."""
        numbers = {_lock_number(uri): False for uri in self._shared}
        numbers.update({_lock_number(uri): True for uri in self._exclusive})
        return numbers

    def add_all(self, activities: Iterable[Any], fetched: Iterable[Note]) -> None:
        """Gather what these activities, and the notes fetched for them, name."""
        add = self.add  # each look at it makes a function
        for activity in activities:
            self.actors.add(activity.actor)
            add(activity)
        for note in fetched:
            self._post(note, note.attributed_to)

    @singledispatchmethod
    def add(self, activity: object) -> None:
        """Gather what an activity names beside its actor."""

    @add.register
    def _create(self, activity: Create) -> None:
        self._post(activity.note, activity.actor)

    @add.register
    def _update(self, activity: UpdateNote) -> None:
        self._post(activity.note, activity.actor)

    @add.register
    def _profile(self, activity: UpdateActor) -> None:
        self._exclusive.add(activity.actor)

    @add.register
    def _like(self, activity: Like | EmojiReact) -> None:
        self._undoable(activity.id)
        self.statuses.add(activity.object)
        self._shared.add(activity.object)

    @add.register
    def _announce(self, activity: Announce) -> None:
        self._undoable(activity.id)
        self.statuses.update((activity.id, activity.object))
        self._shared.update((activity.object, activity.actor))

    @add.register
    def _follow(self, activity: Follow) -> None:
        self._undoable(activity.id)
        self._pair(activity.actor, activity.object)

    @add.register
    def _block(self, activity: Block) -> None:
        self._undoable(activity.id)
        self._pair(activity.actor, activity.object)
        self._exclusive.add(activity.actor)

    @add.register
    def _answer(self, activity: Accept | Reject) -> None:
        self.actors.update(uri for uri in (activity.follower, activity.followee) if uri)
        self._exclusive.add(activity.actor)

    @add.register
    def _quote_request(self, activity: QuoteRequest) -> None:
        self.statuses.update((activity.object, activity.quoting))
        self._exclusive.update((activity.object, activity.quoting))

    @add.register
    def _undo(self, activity: Undo) -> None:
        named = [uri for uri in (activity.undone_id, activity.object) if uri]
        self.statuses.update(named)
        if activity.undone_id:
            self._exclusive.add(activity.undone_id)
        if activity.object:
            self.actors.add(activity.object)
            self._pair(activity.actor, activity.object)

    @add.register
    def _feature(self, activity: Add | Remove) -> None:
        self.statuses.add(activity.object)
        self._exclusive.add(activity.object)

    @add.register
    def _flag(self, activity: Flag) -> None:
        self.actors.update(activity.objects)
        self.statuses.update(activity.objects)

    @add.register
    def _move(self, activity: Move) -> None:
        self.actors.add(activity.target)
        self._exclusive.update((activity.actor, activity.target))

    @add.register
    def _delete(self, activity: Delete) -> None:
        self.statuses.add(activity.object)
        self._exclusive.add(activity.object)

    def _undoable(self, activity_id: str) -> None:
        self.subjects.add(activity_id)
        self._exclusive.add(activity_id)

    def _pair(self, actor: str, target: str) -> None:
        self.actors.add(target)
        self._exclusive.add(" ".join(sorted((actor, target))))
        if self._uris.is_local(actor):
            # What the target posts meanwhile must be fanned out before or after, not during the change.
            self._exclusive.add(target)

    def _post(self, note: Note, author: str) -> None:
        self.statuses.add(note.id)
        self.subjects.add(note.id)
        self._exclusive.add(note.id)
        self._shared.add(author)
        self.actors.add(author)
        if note.quote:
            self.statuses.add(note.quote)
        if note.in_reply_to:
            self.statuses.add(note.in_reply_to)
            self._shared.add(note.in_reply_to)
        self.actors.update(mention.href for mention in note.mentions)
        self.actors.update(addressed_here(note, self._uris))


def addressed_here(note: Note, uris: LocalUris) -> Sequence[str]:
    """Return the local actors that a post is addressed to, mentioned or not."""
    here = [uri for uri in (*note.to, *note.cc) if uri.startswith(uris.origin)]
    return [uri for uri in here if uris.actor_id(uri) is not None]


def _lock_number(uri: str) -> int:
    return int.from_bytes(uri_hash(uri)[:_LOCK_BYTES], "big", signed=True)
