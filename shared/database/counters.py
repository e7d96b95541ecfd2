"""Counts that are shown with actors and posts, moved by those who write what is counted."""

from collections.abc import Mapping
from datetime import datetime

from shared.database.pool import Connection


async def move_followers(conn: Connection, changes: Mapping[int, int]) -> None:
    """Move how many follow each of these actors."""
    await conn.execute(
        """
        UPDATE actors a SET followers_count = greatest(0, a.followers_count + n.change)
          FROM unnest($1::bigint[], $2::bigint[]) AS n (id, change) WHERE a.id = n.id
        """,
        sorted(changes),
        [changes[identifier] for identifier in sorted(changes)],
    )


async def move_following(conn: Connection, changes: Mapping[int, int]) -> None:
    """Move how many each of these actors follows."""
    await conn.execute(
        """
        UPDATE actors a SET following_count = greatest(0, a.following_count + n.change)
          FROM unnest($1::bigint[], $2::bigint[]) AS n (id, change) WHERE a.id = n.id
        """,
        sorted(changes),
        [changes[identifier] for identifier in sorted(changes)],
    )


async def move_statuses(
    conn: Connection, changes: Mapping[int, int], last_status_at: datetime | None = None
) -> None:
    """Move how many posts these actors have; of new ones, when the last one was written."""
    await conn.execute(
        """
        UPDATE actors a SET statuses_count = greatest(0, a.statuses_count + n.change),
                            last_status_at = greatest(a.last_status_at, $3)
          FROM unnest($1::bigint[], $2::bigint[]) AS n (id, change) WHERE a.id = n.id
        """,
        sorted(changes),
        [changes[identifier] for identifier in sorted(changes)],
        last_status_at,
    )


async def move_replies(conn: Connection, changes: Mapping[int, int]) -> None:
    """Move how many answers these posts have."""
    await conn.execute(
        """
        UPDATE statuses s SET replies_count = greatest(0, s.replies_count + n.change)
          FROM unnest($1::bigint[], $2::bigint[]) AS n (id, change) WHERE s.id = n.id
        """,
        sorted(changes),
        [changes[identifier] for identifier in sorted(changes)],
    )


async def move_reblogs(conn: Connection, changes: Mapping[int, int]) -> None:
    """Move how often these posts were boosted."""
    await conn.execute(
        """
        UPDATE statuses s SET reblogs_count = greatest(0, s.reblogs_count + n.change)
          FROM unnest($1::bigint[], $2::bigint[]) AS n (id, change) WHERE s.id = n.id
        """,
        sorted(changes),
        [changes[identifier] for identifier in sorted(changes)],
    )


async def move_favourites(conn: Connection, changes: Mapping[int, int]) -> None:
    """Move how many like these posts."""
    await conn.execute(
        """
        UPDATE statuses s SET favourites_count = greatest(0, s.favourites_count + n.change)
          FROM unnest($1::bigint[], $2::bigint[]) AS n (id, change) WHERE s.id = n.id
        """,
        sorted(changes),
        [changes[identifier] for identifier in sorted(changes)],
    )
