"""Polls: who chose what, and of what others have to be told."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from shared.database.pool import Connection
from shared.protocol.objects import Poll


class Vote(Struct, frozen=True, kw_only=True):
    """What somebody chose, counted from 0."""

    status_id: int
    actor_id: int
    choice: int


class DuePoll(Struct, frozen=True, kw_only=True):
    """A poll that others have to be told of; `over` says that it has ended."""

    status_id: int
    actor_id: int
    local: bool
    over: bool


async def follow(conn: Connection, status_id: int, ends_at: datetime | None) -> None:
    """Have those who take part told of the end of a poll."""
    await conn.execute(
        "INSERT INTO polls (status_id, ends_at) VALUES ($1, $2) ON CONFLICT DO NOTHING", status_id, ends_at
    )


async def lock(conn: Connection, status_ids: Sequence[int]) -> dict[int, Poll]:
    """Return the polls of those of these posts that have one, and let nobody else count meanwhile."""
    rows = await conn.fetch(
        """
        SELECT id, poll FROM statuses
         WHERE id = ANY($1::bigint[]) AND poll IS NOT NULL AND deleted_at IS NULL
         ORDER BY id FOR NO KEY UPDATE
        """,
        list(status_ids),
    )
    return {row["id"]: msgspec.convert(row["poll"], Poll) for row in rows}


async def votes_on(
    conn: Connection, pairs: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], frozenset[int]]:
    """Return what these (actor, post) have chosen, where they have."""
    rows = await conn.fetch(
        """
        SELECT v.actor_id, v.status_id, array_agg(v.choice) AS choices
          FROM unnest($1::bigint[], $2::bigint[]) AS n (actor_id, status_id)
          JOIN poll_votes v USING (status_id, actor_id)
         GROUP BY 1, 2
        """,
        [actor for actor, _ in pairs],
        [status for _, status in pairs],
    )
    return {(row["actor_id"], row["status_id"]): frozenset(row["choices"]) for row in rows}


async def admitted(conn: Connection, pairs: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return those of these (actor, post) where the actor may see the post of another, and so vote."""
    rows = await conn.fetch(
        """
        SELECT n.actor_id, n.status_id
          FROM unnest($1::bigint[], $2::bigint[]) AS n (actor_id, status_id)
          JOIN statuses s ON s.id = n.status_id
         WHERE s.deleted_at IS NULL AND s.actor_id <> n.actor_id
           AND (s.visibility <= 1
                OR EXISTS (SELECT FROM mentions m WHERE m.status_id = s.id AND m.actor_id = n.actor_id)
                OR (s.visibility = 2 AND EXISTS (SELECT FROM follows f
                                                  WHERE f.follower_id = n.actor_id
                                                    AND f.followee_id = s.actor_id AND f.state = 1)))
           AND NOT EXISTS (SELECT FROM blocks b
                            WHERE b.actor_id = s.actor_id AND b.target_id = n.actor_id)
        """,
        [actor for actor, _ in pairs],
        [status for _, status in pairs],
    )
    return {(row["actor_id"], row["status_id"]) for row in rows}


async def cast(conn: Connection, votes: Sequence[Vote]) -> None:
    """Store votes, and note that others have to be told of the counts. The polls are locked."""
    await conn.execute(
        """
        WITH stored AS (
            INSERT INTO poll_votes (status_id, actor_id, choice)
            SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::smallint[])
                ON CONFLICT DO NOTHING
        )
        UPDATE polls SET untold = true WHERE status_id = ANY($1::bigint[]) AND NOT ended
        """,
        [vote.status_id for vote in votes],
        [vote.actor_id for vote in votes],
        [vote.choice for vote in votes],
    )


async def take_due(conn: Connection, *, pause_seconds: float, limit: int) -> list[DuePoll]:
    """Return polls that have ended, or whose counts changed a while ago, and mark them as told of."""
    rows = await conn.fetch(
        """
        WITH due AS (
            SELECT status_id FROM polls
             WHERE NOT ended
               AND (ends_at <= now() OR (untold AND told_at < now() - make_interval(secs => $1)))
             ORDER BY status_id LIMIT $2 FOR UPDATE SKIP LOCKED
        ), told AS (
            UPDATE polls p SET untold = false, told_at = now(), ended = coalesce(p.ends_at <= now(), false)
              FROM due WHERE p.status_id = due.status_id
            RETURNING p.status_id, p.ended
        )
        SELECT told.status_id, told.ended AS over, s.actor_id, s.local
          FROM told JOIN statuses s ON s.id = told.status_id
         WHERE s.deleted_at IS NULL
         ORDER BY told.status_id
        """,
        pause_seconds,
        limit,
    )
    return [
        DuePoll(status_id=r["status_id"], actor_id=r["actor_id"], local=r["local"], over=r["over"])
        for r in rows
    ]


async def voters_here(conn: Connection, status_ids: Sequence[int]) -> list[tuple[int, int]]:
    """Return (post, account) for everybody here who voted."""
    rows = await conn.fetch(
        """
        SELECT DISTINCT v.status_id, v.actor_id
          FROM poll_votes v JOIN accounts c ON c.actor_id = v.actor_id
         WHERE v.status_id = ANY($1::bigint[])
         ORDER BY 1, 2
        """,
        list(status_ids),
    )
    return [(row["status_id"], row["actor_id"]) for row in rows]
