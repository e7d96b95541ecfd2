"""Undo: an actor takes back a Follow, a Like, a reaction, an Announce or a Block of theirs."""

from collections.abc import Sequence

from services.timeline_builder import endings
from services.timeline_builder.effects import Run
from services.timeline_builder.facts import UNDO
from services.timeline_builder.work import Outcome, Work
from shared.database import blocks, favourites, follows, statuses
from shared.database.pending import PendingNote
from shared.protocol.activities import Undo

Pair = tuple[int, int]
"""The actor, and the actor or post on the other side."""

FOLLOW, LIKE, ANNOUNCE, BLOCK = "Follow", "Like", "Announce", "Block"
REACTION = "EmojiReact"
_KINDS = frozenset({FOLLOW, LIKE, REACTION, ANNOUNCE, BLOCK})


async def apply(run: Run, works: Sequence[Work[Undo]]) -> None:
    """Remove what is taken back; where it is not here yet, leave word that it must not take effect."""
    made = await _made_by(run, works)
    undone: list[tuple[Work[Undo], str, Pair]] = []
    for work in works:
        who = run.facts.actor(work.activity.actor)
        if who is None:
            work.outcome = Outcome.UNKNOWN_ACTOR
        elif work.activity.undone_type and work.activity.undone_type not in _KINDS:
            work.outcome = Outcome.NOT_SUPPORTED
        elif (found := made.get(work.activity.undone_id) or _by_object(run, work, who.id)) is None:
            _wait(run, work)
        elif found[1][0] != who.id:
            work.outcome = Outcome.NOT_PERMITTED
        else:
            undone.append((work, *found))
    undone = await _without_made_again(run, undone, made)
    ended = await _end(run, undone)
    for work, kind, pair in undone:
        if (kind, pair) not in ended:
            _wait(run, work)


async def _made_by(run: Run, works: Sequence[Work[Undo]]) -> dict[str, tuple[str, Pair]]:
    """Return what the activities that are taken back by id have made, by that id."""

    def ids(kind: str) -> list[str]:
        named = (work.activity for work in works if work.activity.undone_type in {kind, ""})
        return [undo.undone_id for undo in named if undo.undone_id]

    made: dict[str, tuple[str, Pair]] = {}
    if uris := ids(FOLLOW):
        for uri, follow in (await follows.by_uris(run.conn, uris)).items():
            made[uri] = (FOLLOW, (follow.follower_id, follow.followee_id))
    if uris := [*ids(LIKE), *ids(REACTION)]:
        for uri, like in (await favourites.by_uris(run.conn, uris)).items():
            made[uri] = (LIKE, (like.actor_id, like.status_id))
    if uris := ids(BLOCK):
        for uri, block in (await blocks.by_uris(run.conn, uris)).items():
            made[uri] = (BLOCK, (block.actor_id, block.target_id))
    for uri in ids(ANNOUNCE):
        boost = run.facts.posts.get(uri)
        if boost is not None and boost.reblog_of_id is not None:
            made[uri] = (ANNOUNCE, (boost.actor_id, boost.reblog_of_id))
    return made


def _by_object(run: Run, work: Work[Undo], actor_id: int) -> tuple[str, Pair] | None:
    """Find it by its two sides: some servers name an id that they never sent, and some none."""
    undo = work.activity
    match undo.undone_type:
        case "Follow" | "Block":
            target = run.facts.actors.get(undo.object)
            return None if target is None else (undo.undone_type, (actor_id, target.id))
        case "EmojiReact" if undo.undone_id:
            # One may react in several ways of which the first is kept: another one's end is not its end.
            return None
        case "Like" | "EmojiReact" | "Announce":
            status = run.facts.posts.get(undo.object)
            kind = LIKE if undo.undone_type == REACTION else undo.undone_type
            return None if status is None else (kind, (actor_id, status.id))
        case _:
            return None


async def _without_made_again(
    run: Run, undone: Sequence[tuple[Work[Undo], str, Pair]], made: dict[str, tuple[str, Pair]]
) -> list[tuple[Work[Undo], str, Pair]]:
    """Leave out what somebody here took back and then did again.

    Their request ended it at once: what stands now under another id is not what is undone.
    """
    ended = [one for one in undone if one[0].local and not _stands(run, made, one[0].activity.undone_id)]
    again = await _standing(run, [(kind, pair) for _, kind, pair in ended])
    return [one for one in undone if one not in ended or one[1:] not in again]


def _stands(run: Run, made: dict[str, tuple[str, Pair]], uri: str) -> bool:
    boost = run.facts.posts.get(uri)
    return uri in made and (boost is None or boost.deleted_at is None)


async def _standing(run: Run, undone: Sequence[tuple[str, Pair]]) -> set[tuple[str, Pair]]:
    """Return which of these there are."""
    found: set[tuple[str, Pair]] = set()
    for kind, standing in (
        (FOLLOW, follows.between),
        (LIKE, favourites.existing),
        (BLOCK, blocks.existing),
        (ANNOUNCE, statuses.boosts_by),
    ):
        pairs = [pair for other, pair in undone if other == kind]
        if pairs:
            found |= {(kind, pair) for pair in await standing(run.conn, pairs)}
    return found


async def _end(run: Run, undone: Sequence[tuple[Work[Undo], str, Pair]]) -> set[tuple[str, Pair]]:
    """End what is taken back, kind by kind; return what was there."""
    ended: set[tuple[str, Pair]] = set()
    for kind, end in (
        (FOLLOW, endings.end_follows),
        (LIKE, endings.end_likes),
        (BLOCK, endings.end_blocks),
        (ANNOUNCE, endings.end_boosts),
    ):
        pairs = [pair for _, found, pair in undone if found == kind]
        if pairs:
            ended |= {(kind, pair) for pair in await end(run, pairs)}
    return ended


def _wait(run: Run, work: Work[Undo]) -> None:
    """Leave word. A local one is here already as far as its author is concerned."""
    undo = work.activity
    if not work.local:
        work.outcome = Outcome.WAITING if undo.undone_id else Outcome.UNKNOWN_OBJECT
    if undo.undone_id:
        run.leave(PendingNote(subject=undo.undone_id, actor_uri=undo.actor, kind=UNDO))
