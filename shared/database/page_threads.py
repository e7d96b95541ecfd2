"""One local post on a page of its own, and the thread around it."""

from collections.abc import Sequence

from msgspec import Struct

from shared.database.page_posts import VISIBLE_POSTS, PagePost, post_of
from shared.database.pool import Connection
from shared.protocol.objects import Visibility

_ANCESTORS = 40
_DESCENDANTS = 200
_DEPTH = 30


class LocalPost(Struct, frozen=True, kw_only=True):
    """Where a local post is found: its author, whether it is deleted, and what it boosts if it is a boost."""

    username: str
    deleted: bool
    visible: bool
    boost_of: str | None
    author_gone: bool


_LOCAL_POST = f"""
SELECT a.username, s.deleted_at IS NOT NULL AS deleted,
       s.visibility <= {Visibility.UNLISTED.value} AS visible,
       coalesce(nullif(p.url, ''), p.uri) AS boost_of,
       a.deleted_at IS NOT NULL OR a.suspended_at IS NOT NULL AS author_gone
  FROM statuses s
  JOIN actors a ON a.id = s.actor_id
  LEFT JOIN statuses p ON p.id = s.reblog_of_id
 WHERE s.id = $1 AND s.local
"""  # noqa: S608 - a constant number


async def local_post(conn: Connection, status_id: int) -> LocalPost | None:
    """Return what there is to know of a local post before it is shown."""
    row = await conn.fetchrow(_LOCAL_POST, status_id)
    if row is None:
        return None
    return LocalPost(
        username=row["username"],
        deleted=row["deleted"],
        visible=row["visible"],
        boost_of=row["boost_of"],
        author_gone=row["author_gone"],
    )


_BY_IDS = f"""{VISIBLE_POSTS}
   AND s.id = ANY($1::bigint[]) AND s.reblog_of_id IS NULL
 ORDER BY s.id
"""


async def posts_by_id(conn: Connection, status_ids: Sequence[int]) -> list[PagePost]:
    """Return those of these posts that everybody may see, oldest first."""
    return [post_of(row) for row in await conn.fetch(_BY_IDS, list(status_ids))]


_ABOVE = f"""
WITH RECURSIVE above AS (
    SELECT in_reply_to_id AS id, 1 AS step FROM statuses WHERE id = $1 AND in_reply_to_id IS NOT NULL
    UNION ALL
    SELECT s.in_reply_to_id, above.step + 1
      FROM above JOIN statuses s ON s.id = above.id
     WHERE s.in_reply_to_id IS NOT NULL AND above.step < {_ANCESTORS}
)
SELECT id FROM above
"""  # noqa: S608 - a constant number


async def ancestor_ids(conn: Connection, status_id: int) -> list[int]:
    """Return the ids of the posts that lead to this one, the nearest first."""
    return [row["id"] for row in await conn.fetch(_ABOVE, status_id)]


_BELOW = f"""
WITH RECURSIVE below AS (
    SELECT id, 1 AS depth FROM statuses WHERE in_reply_to_id = $1 AND deleted_at IS NULL
    UNION ALL
    SELECT s.id, below.depth + 1
      FROM below JOIN statuses s ON s.in_reply_to_id = below.id
     WHERE s.deleted_at IS NULL AND below.depth < {_DEPTH}
)
SELECT id FROM below LIMIT {_DESCENDANTS}
"""  # noqa: S608 - constant numbers


async def descendant_ids(conn: Connection, status_id: int) -> list[int]:
    """Return the ids of the answers to a post and of the answers to those, the nearest first."""
    return [row["id"] for row in await conn.fetch(_BELOW, status_id)]
