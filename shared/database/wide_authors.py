"""Authors with very many readers here: their posts are merged into home timelines when those are read.

Writing such a post costs the same however many read it. Who becomes a wide author loses nothing: what was
written stays where it is. Who has fewer readers again is written into timelines first, then the posts made
meanwhile are written too, and only then reading looks for them no more.
"""

from collections.abc import Sequence

from shared.database.home_rule import POST, belongs
from shared.database.pool import Connection


async def widen(conn: Connection, status_ids: Sequence[int], limit: int) -> None:
    """Note those of the authors of these posts who have at least `limit` readers with kept timelines."""
    await conn.execute(
        """
        INSERT INTO wide_authors (actor_id)
        SELECT DISTINCT s.actor_id FROM statuses s
         WHERE s.id = ANY($1::bigint[])
           AND (SELECT count(*) FROM (SELECT FROM follows f JOIN accounts c ON c.actor_id = f.follower_id
                                       WHERE f.followee_id = s.actor_id AND f.state = 1
                                         AND c.home_state <> 0 LIMIT $2) readers) >= $2
            ON CONFLICT (actor_id) DO UPDATE SET narrowing = false
        """,
        list(status_ids),
        limit,
    )


async def begin_to_narrow(conn: Connection, share: int, shares: int, limit: int) -> list[int]:
    """Have the posts of those with fewer than `limit` readers written again; return who is narrowing.

    Args:
        conn: A connection.
        share: Which part of the wide authors is looked at, from 0.
        shares: How many parts there are.
        limit: Readers that keep an author wide.
    """
    rows = await conn.fetch(
        """
        WITH few AS MATERIALIZED (
            SELECT w.actor_id FROM wide_authors w
             WHERE (w.actor_id >> 22) % $2 = $1 AND NOT w.narrowing
               AND (SELECT count(*) FROM (SELECT FROM follows f JOIN accounts c ON c.actor_id = f.follower_id
                                           WHERE f.followee_id = w.actor_id AND f.state = 1
                                             AND c.home_state <> 0 LIMIT $3) readers) < $3
        ), begun AS (
            UPDATE wide_authors w SET narrowing = true FROM few WHERE few.actor_id = w.actor_id
        )
        SELECT actor_id FROM few UNION SELECT actor_id FROM wide_authors WHERE narrowing
        """,
        share,
        shares,
        limit,
    )
    return [row["actor_id"] for row in rows]


_READERS = """
SELECT f.follower_id FROM follows f JOIN accounts c ON c.actor_id = f.follower_id
 WHERE f.followee_id = $1 AND f.state = 1 AND c.home_state <> 0 AND f.follower_id > $2
 ORDER BY f.follower_id LIMIT $3
"""

_WRITE = f"""
INSERT INTO home_timeline (account_id, status_id, actor_id)
SELECT n.account_id, s.id, s.actor_id
  FROM unnest($2::bigint[]) AS n (account_id)
 CROSS JOIN LATERAL (SELECT coalesce((SELECT h.status_id FROM home_timeline h
                                       WHERE h.account_id = n.account_id
                                       ORDER BY h.status_id DESC OFFSET $3 - 1 LIMIT 1), 0) AS id
                     OFFSET 0) least
 CROSS JOIN LATERAL (SELECT t.id FROM statuses t
                      WHERE t.actor_id = $1 AND t.deleted_at IS NULL AND t.id > least.id
                      ORDER BY t.id DESC LIMIT $4) k
 {POST}
 WHERE {belongs("n.account_id", written=True)}
    ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants


async def write_for(
    conn: Connection, actor_id: int, above: int, readers: int, *, kept: int, looked_at: int
) -> int | None:
    """Write an author's posts into the timelines of some readers; return the last one, None at the end.

    Args:
        conn: A connection.
        actor_id: The author, who is narrowing.
        above: The reader after whom to go on; 0 to begin.
        readers: How many at once.
        kept: Entries of a timeline that are kept.
        looked_at: Posts of the author that are looked at.
    """
    rows = await conn.fetch(_READERS, actor_id, above, readers)
    ids = [row["follower_id"] for row in rows]
    if ids:
        await conn.execute(_WRITE, actor_id, ids, kept, looked_at)
    return ids[-1] if len(ids) == readers else None


async def finish(conn: Connection, actor_id: int) -> None:
    """Note that an author's posts stand in all timelines, unless there are too many readers again."""
    await conn.execute("DELETE FROM wide_authors WHERE actor_id = $1 AND narrowing", actor_id)
