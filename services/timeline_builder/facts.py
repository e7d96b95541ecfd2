"""What the store knows of everything that a run names, read in a constant number of queries."""

from collections.abc import Sequence

import msgspec

from services.timeline_builder.references import References
from services.timeline_builder.work import AnyWork
from shared.database import pending, standing, statuses
from shared.database.pool import Connection
from shared.database.standing import Standing
from shared.database.statuses import StatusRow
from shared.protocol.identifiers import uri_hash
from shared.protocol.local_uris import LocalUris

UNDO = "undo"
DELETE = "delete"
UPDATE = "update"
"""Kinds of pending notes; an Update's goes on with the time of the edit."""


class Facts:
    """Actors and posts by URI, and what waits for the arrival of something.

    Handlers add what they store, so that later ones of the same run see it.

    Args:
        actors: Those that are known, the gone ones too.
        posts: Posts and boosts that are known, tombstones too.
        waiting: Pending notes.
    """

    def __init__(
        self,
        actors: dict[str, Standing],
        posts: dict[str, StatusRow],
        waiting: Sequence[pending.WaitingNote],
    ) -> None:
        self.actors = actors
        self.posts = posts
        self._waiting: dict[tuple[bytes, str], list[pending.WaitingNote]] = {}
        for note in waiting:
            self._waiting.setdefault((note.subject_hash, note.actor_uri), []).append(note)

    def actor(self, uri: str) -> Standing | None:
        """Return an actor in good standing."""
        known = self.actors.get(uri)
        return None if known is None or known.gone else known

    def mark_followed(self, uri: str) -> None:
        """Note that somebody here follows this actor from now on: later posts of the run concern them."""
        known = self.actors.get(uri)
        if known is not None:
            self.actors[uri] = msgspec.structs.replace(known, followed=True)

    def undone(self, activity_id: str, actor: str) -> bool:
        """Tell whether the actor took this activity back before it came."""
        return self._waits(activity_id, actor, UNDO)

    def deleted(self, post: str, actor: str) -> bool:
        """Tell whether the actor deleted this post before it came."""
        return self._waits(post, actor, DELETE)

    def edits(self, post: str, actor: str) -> list[bytes]:
        """Return the Updates of a post that came before it."""
        notes = self._waiting.get((uri_hash(post), actor), [])
        return [n.activity for n in notes if n.kind.startswith(UPDATE) and n.activity is not None]

    def _waits(self, subject: str, actor: str, kind: str) -> bool:
        return any(note.kind == kind for note in self._waiting.get((uri_hash(subject), actor), ()))


def gather(works: Sequence[AnyWork], uris: LocalUris) -> References:
    """Return what these activities, and the posts fetched for them, name."""
    names = References(uris)
    names.add_all(
        (work.activity for work in works), (note for work in works for note in work.accepted.fetched)
    )
    return names


async def lock(conn: Connection, names: Sequence[References]) -> None:
    """Keep others from working on the same things until this transaction ends."""
    numbers: dict[int, bool] = {}
    for some in names:
        for number, exclusive in some.lock_numbers().items():
            numbers[number] = exclusive or numbers.get(number, False)
    ordered = sorted(numbers)
    if ordered:
        await pending.lock(conn, ordered, [numbers[number] for number in ordered])


async def load(conn: Connection, names: References) -> Facts:
    """Read what is known of all that is named."""
    return Facts(
        await standing.standings(conn, list(names.actors)),
        await statuses.by_uris(conn, list(names.statuses)) if names.statuses else {},
        await pending.waiting_for(conn, list(names.subjects)) if names.subjects else [],
    )
