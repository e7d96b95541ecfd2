"""Like and EmojiReact: a reaction is a like that says more."""

from collections.abc import Sequence

from services.timeline_builder.effects import Run
from services.timeline_builder.work import Outcome, Work
from shared.database import favourites
from shared.database.favourites import FavouriteRow
from shared.database.standing import Standing
from shared.database.statuses import StatusRow
from shared.protocol.activities import EmojiReact, Like

Liking = Like | EmojiReact


async def apply(run: Run, works: Sequence[Work[Liking]]) -> None:
    """Store likes, count them, tell the authors who are here. A local like is stored already."""
    rows: dict[tuple[int, int], FavouriteRow] = {}
    for work in works:
        judged = _judge(run, work)
        if judged is None:
            continue
        who, status = judged
        if status.local:
            run.tell(status.actor_id, "favourite", who.id, status.id)
        if not work.local:
            rows.setdefault((who.id, status.id), _row(run, work.activity, who, status))
    if rows:
        for _, status_id in await favourites.insert(run.conn, list(rows.values())):
            run.counts.favourite(status_id)


def _row(run: Run, activity: Liking, who: Standing, status: StatusRow) -> FavouriteRow:
    return FavouriteRow(
        id=run.site.ids.next(),
        uri=activity.id,
        actor_id=who.id,
        status_id=status.id,
        content=activity.content if isinstance(activity, EmojiReact) else "",
    )


def _judge(run: Run, work: Work[Liking]) -> tuple[Standing, StatusRow] | None:
    activity = work.activity
    who, status = run.facts.actor(activity.actor), run.facts.posts.get(activity.object)
    if who is None:
        work.outcome = Outcome.UNKNOWN_ACTOR
    elif run.facts.undone(activity.id, activity.actor):
        work.outcome = Outcome.UNDONE
    elif status is None or status.reblog_of_id is not None:
        work.outcome = Outcome.UNKNOWN_OBJECT
    elif status.deleted_at is not None:
        work.outcome = Outcome.DELETED
    else:
        return who, status
    return None
