"""Deleting posts: what is left is the id, so that it is never filled again."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Final

from msgspec import Struct

from shared.database import media, timelines
from shared.database.counters import Counts
from shared.database.pool import Connection
from shared.protocol.objects import Visibility


class Removed(Struct, frozen=True, kw_only=True):
    """A post or boost that was there until now."""

    id: int
    actor_id: int
    visibility: Visibility
    reblog_of_id: int | None
    in_reply_to_id: int | None
    created_at: datetime


class Pictures(Enum):
    """What becomes of the pictures that hang on posts which are deleted."""

    UNTOUCHED = auto()
    """Whoever deleted the posts first saw to them, or there are none here."""
    DETACHED = auto()
    """Their author may write the post anew with them."""
    DELETED = auto()
    """They go at once, with their files."""


_BURY = """
WITH :also doomed AS MATERIALIZED (
    SELECT id FROM statuses
     WHERE (id = ANY($1::bigint[]) OR reblog_of_id = ANY($1::bigint[])) AND deleted_at IS NULL
     ORDER BY id FOR NO KEY UPDATE
)
UPDATE statuses s SET
       deleted_at = now(), title = '', content = '', source = '', spoiler_text = '', attachments = '[]',
       emojis = '[]', poll = NULL, replies_count = 0, reblogs_count = 0, favourites_count = 0
  FROM doomed
 WHERE s.id = doomed.id
RETURNING s.id, s.actor_id, s.visibility, s.reblog_of_id, s.in_reply_to_id, s.created_at
"""
_BURY_ALIVE = _BURY.replace(":also", "")
_BURY_GONE = _BURY.replace(":also", f"home AS ({timelines.REMOVE}),")

_FORGET = f"""
WITH home AS ({timelines.REMOVE}), :also
     tags AS (DELETE FROM status_tags WHERE status_id = ANY($1::bigint[])),
     edits AS (DELETE FROM status_edits WHERE status_id = ANY($1::bigint[])),
     likes AS (DELETE FROM favourites WHERE status_id = ANY($1::bigint[])),
     votes AS (DELETE FROM poll_votes WHERE status_id = ANY($1::bigint[])),
     polls AS (DELETE FROM polls WHERE status_id = ANY($1::bigint[])),
     pins AS (DELETE FROM pins WHERE status_id = ANY($1::bigint[])),
     marks AS (DELETE FROM bookmarks WHERE status_id = ANY($1::bigint[]))
DELETE FROM notifications WHERE status_id = ANY($1::bigint[])
"""  # noqa: S608 - constants
_FORGET_WITH: Final = {
    Pictures.UNTOUCHED: _FORGET.replace(":also", ""),
    Pictures.DETACHED: _FORGET.replace(":also", f"pictures AS ({media.DETACH}),"),
    Pictures.DELETED: _FORGET.replace(":also", f"pictures AS ({media.DELETE_ON}),"),
}


async def bury(
    conn: Connection,
    status_ids: Sequence[int],
    counts: Counts,
    *,
    pictures: Pictures = Pictures.UNTOUCHED,
    gone: bool = False,
) -> list[Removed]:
    """Turn posts and boosts into tombstones, and the boosts of the posts with them; return what was alive.

    Timelines, notifications, likes, bookmarks, pins, votes, tags and edits of them go too, and the counts of
    authors, parents and boosted posts change. Mentions stay: they tell whom a later fetch may answer.

    Args:
        conn: In a transaction.
        status_ids: The posts and boosts.
        counts: Gathers what changes.
        pictures: What becomes of those on the posts.
        gone: They are known to be tombstones already, and what a first Delete left is mended.
    """
    rows = await conn.fetch(_BURY_GONE if gone else _BURY_ALIVE, list(status_ids))
    removed = [
        Removed(
            id=row["id"],
            actor_id=row["actor_id"],
            visibility=Visibility(row["visibility"]),
            reblog_of_id=row["reblog_of_id"],
            in_reply_to_id=row["in_reply_to_id"],
            created_at=row["created_at"],
        )
        for row in rows
    ]
    if removed or not gone:
        # A statement of its own: it sees what those wrote whose locks the first one waited for.
        await conn.execute(_FORGET_WITH[pictures], list({*status_ids, *(r.id for r in removed)}))
    _uncount(removed, counts)
    return removed


def _uncount(removed: Sequence[Removed], counts: Counts) -> None:
    gone = {r.id for r in removed}
    for status in removed:
        counts.post(status.actor_id, status.visibility, by=-1)
        if status.in_reply_to_id not in gone:
            counts.reply(status.in_reply_to_id, status.visibility, by=-1)
        if status.reblog_of_id is not None and status.reblog_of_id not in gone:
            counts.boost(status.reblog_of_id, by=-1)
