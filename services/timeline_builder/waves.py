"""In which order a batch is applied: by kind, as far as the order of each actor allows."""

from collections.abc import Sequence

from services.timeline_builder.work import AnyWork
from shared.protocol.activities import (
    Accept,
    AcceptQuote,
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
    RejectQuote,
    Remove,
    Undo,
    UpdateActor,
    UpdateNote,
)

STAGES: dict[type, int] = {
    kind: place
    for place, kinds in enumerate(
        (
            (UpdateActor,),
            (Follow,),
            (Accept, Reject),
            (AcceptQuote, RejectQuote),
            (Create,),
            (UpdateNote,),
            (QuoteRequest,),
            (Like, EmojiReact),
            (Announce,),
            (Add, Remove),
            (Flag,),
            (Block,),
            (Undo,),
            (Move,),
            (Delete,),
        )
    )
    for kind in kinds
}
"""What depends on something comes after it: a Like after the Create of its post."""

LAST = len(STAGES)
"""The stage of everything that has no effect."""


def waves(works: Sequence[AnyWork]) -> list[list[AnyWork]]:
    """Split a batch into runs that may be applied kind by kind.

    Within a run no actor has an activity of an earlier kind after one of a later kind; a batch of posts
    is a single run.
    """
    runs: list[list[AnyWork]] = []
    places: dict[str, tuple[int, int]] = {}
    for work in works:
        stage = STAGES.get(type(work.activity), LAST)
        run, reached = places.get(work.activity.actor, (0, 0))
        if stage < reached:
            run += 1
        places[work.activity.actor] = (run, stage)
        while len(runs) <= run:
            runs.append([])
        runs[run].append(work)
    return runs
