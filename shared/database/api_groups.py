"""Notifications in groups: likes and boosts of one post stand together, everything else alone."""

from datetime import datetime

from msgspec import Struct

from shared.database.api_notifications import WANTED, NotificationFilter
from shared.database.paging import Page
from shared.database.pool import Connection

GROUPED = ("favourite", "reblog")
"""The kinds that stand together where they are about one post."""

LOOKED_AT = 2000
"""Notifications that one page is gathered from at most."""

SAMPLE = 8
"""Accounts of a group that are shown."""


class GroupRow(Struct, frozen=True, kw_only=True):
    """A group; `newest` orders the groups and names where a page ends. `actors` has the latest first."""

    key: str
    kind: str
    count: int
    newest: int
    oldest: int
    latest_at: datetime
    status_id: int | None
    actors: tuple[int, ...]


_KEY = """
       CASE WHEN n.status_id IS NOT NULL AND n.kind = ANY($5::text[])
            THEN n.kind || '-' || n.status_id ELSE 'ungrouped-' || n.id END
"""

_GROUPS = f"""
SELECT key, kind, status_id, count(*) AS count, max(id) AS newest, min(id) AS oldest,
       max(created_at) AS latest_at, (array_agg(actor_id ORDER BY id DESC))[:{SAMPLE}] AS actors
  FROM (SELECT n.id, n.kind, n.actor_id, n.status_id, n.created_at, {_KEY} AS key
          FROM notifications n JOIN actors a ON a.id = n.actor_id
         WHERE {WANTED}
           AND n.id < $2 AND n.id > $3
           AND (cardinality($6::text[]) = 0 OR n.kind = ANY($6)) AND n.kind <> ALL($7::text[])
           AND ($8::bigint IS NULL OR n.actor_id = $8)
           -- What has newer members was on an earlier page.
           AND (n.status_id IS NULL OR n.kind <> ALL($5::text[])
                OR NOT EXISTS (SELECT FROM notifications e
                                WHERE e.status_id = n.status_id AND e.account_id = $1 AND e.kind = n.kind
                                  AND NOT e.dismissed AND e.id >= $2))
         ORDER BY n.id :order LIMIT {LOOKED_AT}) AS looked
 GROUP BY key, kind, status_id
 ORDER BY max(id) :order
 LIMIT $4
"""  # noqa: S608 - constants


async def groups(
    conn: Connection, account_id: int, page: Page, wanted: NotificationFilter, grouped: tuple[str, ...]
) -> list[GroupRow]:
    """Return a page of an account's notifications in groups, the latest first.

    Args:
        conn: A connection.
        account_id: Whose.
        page: Which; its cursor is the newest notification of a group.
        wanted: Which notifications.
        grouped: The kinds that may stand together; likes and boosts are able to.
    """
    rows = await conn.fetch(
        page.query(_GROUPS),
        account_id,
        page.below,
        page.above,
        page.limit,
        [kind for kind in grouped if kind in GROUPED],
        list(wanted.kinds),
        list(wanted.excluded),
        wanted.actor_id,
    )
    return page.newest_first([GroupRow(**{**row, "actors": tuple(row["actors"])}) for row in rows])


_MEMBERS = f"""
SELECT n.id, n.kind, n.actor_id, n.status_id, n.created_at
  FROM notifications n JOIN actors a ON a.id = n.actor_id
 WHERE {WANTED} AND (n.id = $2 OR (n.kind = $3 AND n.status_id = $4))
 ORDER BY n.id DESC LIMIT {LOOKED_AT}
"""  # noqa: S608 - constants


def key_of(kind: str, status_id: int | None, notification_id: int) -> str:
    """Return the key of the group that a notification stands in where its kind is grouped."""
    grouped = status_id is not None and kind in GROUPED
    return f"{kind}-{status_id}" if grouped else f"ungrouped-{notification_id}"


def parts_of(key: str) -> tuple[int, str, int]:
    """Return what a key names: one notification, or a kind and a post; zeroes and nothing where no group."""
    kind, _, number = key.rpartition("-")
    if not (number.isascii() and number.isdigit()) or len(number) > len(str(1 << 62)):
        return 0, "", 0
    if kind == "ungrouped":
        return int(number), "", 0
    return (0, kind, int(number)) if kind in GROUPED else (0, "", 0)


async def group(conn: Connection, account_id: int, key: str) -> GroupRow | None:
    """Return one group of an account, with all its actors."""
    rows = await conn.fetch(_MEMBERS, account_id, *parts_of(key))
    if not rows:
        return None
    return GroupRow(
        key=key,
        kind=rows[0]["kind"],
        count=len(rows),
        newest=rows[0]["id"],
        oldest=rows[-1]["id"],
        latest_at=rows[0]["created_at"],
        status_id=rows[0]["status_id"],
        actors=tuple(row["actor_id"] for row in rows),
    )


async def dismiss(conn: Connection, account_id: int, key: str) -> None:
    """Put a group away."""
    await conn.execute(
        """
        UPDATE notifications SET dismissed = true
         WHERE account_id = $1 AND NOT dismissed AND (id = $2 OR (kind = $3 AND status_id = $4))
        """,
        account_id,
        *parts_of(key),
    )


_UNREAD = f"""
SELECT count(DISTINCT key) FROM (
    SELECT {_KEY} AS key
      FROM notifications n JOIN actors a ON a.id = n.actor_id
     WHERE {WANTED} AND n.id > (SELECT notifications_read_id FROM accounts WHERE actor_id = $1)
       AND (cardinality($3::text[]) = 0 OR n.kind = ANY($3)) AND n.kind <> ALL($4::text[])
     LIMIT $2) AS unread
"""  # noqa: S608 - constants


async def unread_count(
    conn: Connection, account_id: int, most: int, wanted: NotificationFilter, grouped: tuple[str, ...]
) -> int:
    """Return how many groups have members beyond the marker, counted up to a limit."""
    count: int = await conn.fetchval(
        _UNREAD,
        account_id,
        LOOKED_AT,
        list(wanted.kinds),
        list(wanted.excluded),
        [kind for kind in grouped if kind in GROUPED],
    )
    return min(count, most)
