"""The thread around a post."""

from collections.abc import Sequence

from shared.database.pool import Connection


async def ancestors(conn: Connection, status_id: int, most: int) -> Sequence[int]:
    """Return the posts that lead to this one, the first of the thread first."""
    rows = await conn.fetch(
        """
        WITH RECURSIVE up (id, parent, depth) AS (
            SELECT s.id, s.in_reply_to_id, 0 FROM statuses s WHERE s.id = $1
            UNION ALL
            SELECT s.id, s.in_reply_to_id, up.depth + 1
              FROM up JOIN statuses s ON s.id = up.parent
             WHERE up.depth < $2 AND s.id <> $1
        )
        SELECT id FROM up WHERE depth > 0 ORDER BY depth DESC
        """,
        status_id,
        most,
    )
    return list(dict.fromkeys(row["id"] for row in rows))


async def descendants(conn: Connection, status_id: int, most: int, depth: int) -> Sequence[int]:
    """Return the answers to a post and the answers to those, each below the one it answers."""
    rows = await conn.fetch(
        """
        WITH RECURSIVE down (id, path) AS (
            SELECT s.id, ARRAY[s.id] FROM statuses s WHERE s.in_reply_to_id = $1 AND s.deleted_at IS NULL
            UNION ALL
            SELECT s.id, down.path || s.id
              FROM down JOIN statuses s ON s.in_reply_to_id = down.id
             WHERE cardinality(down.path) < $3 AND s.id <> ALL(down.path) AND s.id <> $1
        )
        SELECT id FROM (SELECT id, path FROM down LIMIT $2) AS found ORDER BY path
        """,
        status_id,
        most,
        depth,
    )
    return list(dict.fromkeys(row["id"] for row in rows))


async def missing_parent(conn: Connection, status_id: int) -> str | None:
    """Return the URI of what a post answers, if that is not here."""
    uri: str | None = await conn.fetchval(
        """
        SELECT in_reply_to_uri FROM statuses
         WHERE id = $1 AND in_reply_to_id IS NULL AND deleted_at IS NULL
        """,
        status_id,
    )
    return uri
