"""Posts of other servers that nobody here refers to any more."""

from msgspec import Struct

from shared.database import favourites
from shared.database.pool import Connection

_UNREFERRED = """
       NOT s.local AND s.id > $1 AND s.id < $2
   AND NOT EXISTS (SELECT FROM statuses b WHERE b.reblog_of_id = s.id AND b.deleted_at IS NULL)
   AND NOT EXISTS (SELECT FROM statuses r WHERE r.in_reply_to_id = s.id)
   AND NOT EXISTS (SELECT FROM statuses p
                    WHERE p.local AND p.id = ANY(ARRAY[s.in_reply_to_id, s.reblog_of_id])
                      AND p.deleted_at IS NULL AND s.deleted_at IS NULL)
   AND NOT EXISTS (SELECT FROM favourites f JOIN accounts a ON a.actor_id = f.actor_id
                    WHERE f.status_id = s.id)
   AND NOT EXISTS (SELECT FROM bookmarks k WHERE k.status_id = s.id)
   AND NOT EXISTS (SELECT FROM pins p WHERE p.status_id = s.id)
   AND NOT EXISTS (SELECT FROM poll_votes v JOIN accounts a ON a.actor_id = v.actor_id
                    WHERE v.status_id = s.id)
   AND NOT EXISTS (SELECT FROM mentions m JOIN accounts a ON a.actor_id = m.actor_id
                    WHERE m.status_id = s.id AND s.deleted_at IS NULL)
   AND NOT EXISTS (SELECT FROM notifications n WHERE n.status_id = s.id)
   AND NOT EXISTS (SELECT FROM follows f JOIN home_timeline h ON h.account_id = f.follower_id
                    WHERE f.followee_id = s.actor_id AND h.status_id = s.id)
   AND NOT EXISTS (SELECT FROM status_tags t JOIN tag_follows q ON q.tag = t.tag
                    JOIN home_timeline h ON h.account_id = q.account_id AND h.status_id = s.id
                    WHERE t.status_id = s.id)
   AND NOT EXISTS (SELECT FROM wide_authors w WHERE w.actor_id = s.actor_id)
   AND NOT EXISTS (SELECT FROM reports r WHERE s.uri = ANY(r.status_uris))
"""
"""A condition on `statuses s` with ids between `$1` and `$2`, both exclusive.

Kept is what somebody here boosted, answered, liked, bookmarked, voted in, is named in, was told of, has in a
home timeline or reported, what authors wrote who are merged into home timelines by reading, what a post that
is kept answers or shares, and answers to and boosts of posts from here.
"""


class Unreferred(Struct, frozen=True):
    """How many posts, boosts and tombstones could go."""

    posts: int = 0
    boosts: int = 0
    tombstones: int = 0

    def __add__(self, other: "Unreferred") -> "Unreferred":
        return Unreferred(
            self.posts + other.posts, self.boosts + other.boosts, self.tombstones + other.tombstones
        )


_COUNT = f"""
SELECT count(*) FILTER (WHERE s.deleted_at IS NULL AND s.reblog_of_id IS NULL) AS posts,
       count(*) FILTER (WHERE s.deleted_at IS NULL AND s.reblog_of_id IS NOT NULL) AS boosts,
       count(*) FILTER (WHERE s.deleted_at IS NOT NULL) AS tombstones
  FROM statuses s WHERE {_UNREFERRED}
"""  # noqa: S608 - constants


async def count(conn: Connection, above: int, below: int) -> Unreferred:
    """Count what nobody refers to between two ids; what only that refers to is not counted yet."""
    row = await conn.fetchrow(_COUNT, above, below)
    return Unreferred() if row is None else Unreferred(row["posts"], row["boosts"], row["tombstones"])


_REMOVE = f"""
WITH doomed AS MATERIALIZED (
    SELECT s.id FROM statuses s WHERE {_UNREFERRED} ORDER BY s.id LIMIT $3 FOR UPDATE SKIP LOCKED
)
DELETE FROM statuses t USING doomed WHERE t.id = doomed.id
RETURNING t.id, t.reblog_of_id IS NOT NULL AS boost, t.deleted_at IS NOT NULL AS tombstone
"""  # noqa: S608 - constants


async def remove(conn: Connection, above: int, below: int, most: int) -> tuple[Unreferred, int | None]:
    """Delete the oldest of what nobody refers to; return what went and the highest id, None at the end.

    Who is about to like or answer one of them holds its row, and it stays.
    """
    async with conn.transaction():
        rows = await conn.fetch(_REMOVE, above, below, most)
        # By a statement of its own, which sees the likes that were stored while the first one ran.
        await favourites.forget(conn, [row["id"] for row in rows])
    gone = Unreferred(
        posts=sum(not row["boost"] and not row["tombstone"] for row in rows),
        boosts=sum(row["boost"] and not row["tombstone"] for row in rows),
        tombstones=sum(row["tombstone"] for row in rows),
    )
    return gone, max((row["id"] for row in rows), default=None)
