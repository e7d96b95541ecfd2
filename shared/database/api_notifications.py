"""Notifications of an account, and the markers that say how far it has read."""

from collections.abc import Collection, Sequence
from datetime import datetime

from msgspec import Struct

from shared.database.paging import Page
from shared.database.pool import Connection


class NotificationRow(Struct, frozen=True, kw_only=True):
    """What an account is told: who did what, with which post."""

    id: int
    kind: str
    actor_id: int
    status_id: int | None
    created_at: datetime


class NotificationFilter(Struct, frozen=True, kw_only=True):
    """Only these kinds where any are named, none of the excluded, and of one actor where given."""

    kinds: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    actor_id: int | None = None


WANTED = """
       n.account_id = $1 AND NOT n.dismissed
   AND a.deleted_at IS NULL AND a.suspended_at IS NULL
   AND NOT EXISTS (SELECT FROM blocks b WHERE b.actor_id = $1 AND b.target_id = n.actor_id)
   AND NOT EXISTS (SELECT FROM mutes m WHERE m.actor_id = $1 AND m.target_id = n.actor_id AND m.notifications)
   AND NOT EXISTS (SELECT FROM account_domain_blocks d
                    WHERE d.account_id = $1 AND d.domain = a.domain
                      AND NOT EXISTS (SELECT FROM follows f WHERE f.follower_id = $1
                                                              AND f.followee_id = n.actor_id AND f.state = 1))
   AND (n.status_id IS NULL
        OR EXISTS (SELECT FROM statuses s WHERE s.id = n.status_id AND s.deleted_at IS NULL))
"""
"""A condition on `notifications n` by `actors a`: what the account `$1` has and still wants to see."""

_LIST = f"""
SELECT n.id, n.kind, n.actor_id, n.status_id, n.created_at
  FROM notifications n JOIN actors a ON a.id = n.actor_id
 WHERE {WANTED}
   AND n.id < $2 AND n.id > $3
   AND (cardinality($5::text[]) = 0 OR n.kind = ANY($5)) AND n.kind <> ALL($6::text[])
   AND ($7::bigint IS NULL OR n.actor_id = $7)
 ORDER BY n.id :order
 LIMIT $4
"""  # noqa: S608 - constants


async def notifications(
    conn: Connection, account_id: int, page: Page, wanted: NotificationFilter
) -> Sequence[NotificationRow]:
    """Return a page of an account's notifications, the latest first."""
    rows = await conn.fetch(
        page.query(_LIST),
        account_id,
        page.below,
        page.above,
        page.limit,
        list(wanted.kinds),
        list(wanted.excluded),
        wanted.actor_id,
    )
    return page.newest_first([NotificationRow(**row) for row in rows])


_ONE = f"""
SELECT n.id, n.kind, n.actor_id, n.status_id, n.created_at
  FROM notifications n JOIN actors a ON a.id = n.actor_id
 WHERE {WANTED} AND n.id = $2
"""  # noqa: S608 - constants


async def notification(conn: Connection, account_id: int, notification_id: int) -> NotificationRow | None:
    """Return one notification of an account."""
    row = await conn.fetchrow(_ONE, account_id, notification_id)
    return None if row is None else NotificationRow(**row)


_UNREAD = f"""
SELECT count(*) FROM (
    SELECT FROM notifications n JOIN actors a ON a.id = n.actor_id
     WHERE {WANTED} AND n.id > (SELECT notifications_read_id FROM accounts WHERE actor_id = $1)
       AND (cardinality($3::text[]) = 0 OR n.kind = ANY($3)) AND n.kind <> ALL($4::text[])
     LIMIT $2) AS unread
"""  # noqa: S608 - constants


async def unread_count(conn: Connection, account_id: int, most: int, wanted: NotificationFilter) -> int:
    """Return how many notifications lie beyond the marker, counted up to a limit."""
    count: int = await conn.fetchval(_UNREAD, account_id, most, list(wanted.kinds), list(wanted.excluded))
    return count


async def clear_notifications(conn: Connection, account_id: int) -> None:
    """Put all of an account's notifications away."""
    await conn.execute(
        "UPDATE notifications SET dismissed = true WHERE account_id = $1 AND NOT dismissed", account_id
    )


async def dismiss_notifications(conn: Connection, account_id: int, ids: Collection[int]) -> None:
    """Put some of an account's notifications away."""
    await conn.execute(
        "UPDATE notifications SET dismissed = true WHERE account_id = $1 AND id = ANY($2::bigint[])",
        account_id,
        list(ids),
    )


class Markers(Struct, frozen=True, kw_only=True):
    """How far an account has read; 0 where it never said."""

    home: int
    notifications: int


async def markers(conn: Connection, account_id: int) -> Markers:
    """Return how far an account has read."""
    row = await conn.fetchrow(
        "SELECT home_read_id, notifications_read_id FROM accounts WHERE actor_id = $1", account_id
    )
    return (
        Markers(home=row["home_read_id"], notifications=row["notifications_read_id"])
        if row
        else Markers(home=0, notifications=0)
    )


async def move_markers(
    conn: Connection, account_id: int, home: int | None, notifications: int | None
) -> None:
    """Note how far an account has read; nothing given leaves a marker where it is."""
    await conn.execute(
        """
        UPDATE accounts
           SET home_read_id = coalesce($2, home_read_id),
               notifications_read_id = coalesce($3, notifications_read_id)
         WHERE actor_id = $1
        """,
        account_id,
        home,
        notifications,
    )
