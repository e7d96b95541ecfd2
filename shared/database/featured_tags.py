"""Hashtags that accounts here show on their profile, and how they use theirs."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from shared.database.pool import Connection


class FeaturedTag(Struct, frozen=True, kw_only=True):
    """A hashtag on a profile: normalised, and as it was written."""

    id: int
    tag: str
    name: str


class TagUse(Struct, frozen=True, kw_only=True):
    """How often an account used a hashtag in posts that are open to all, and when last."""

    tag: str
    name: str
    posts: int
    last_at: datetime


async def of_account(conn: Connection, account_id: int) -> list[FeaturedTag]:
    """Return what an account shows, the first first."""
    rows = await conn.fetch(
        "SELECT id, tag, name FROM featured_tags WHERE account_id = $1 ORDER BY id", account_id
    )
    return [FeaturedTag(id=row["id"], tag=row["tag"], name=row["name"]) for row in rows]


async def insert(conn: Connection, account_id: int, tags: Sequence[FeaturedTag], most: int) -> bool:
    """Show hashtags; tell whether all are new and no more than `most` stand there afterwards."""
    # Two at once must not both find the last place.
    await conn.execute("SELECT FROM accounts WHERE actor_id = $1 FOR NO KEY UPDATE", account_id)
    rows = await conn.fetch(
        """
        INSERT INTO featured_tags (id, account_id, tag, name)
        SELECT n.id, $1, n.tag, n.name FROM unnest($2::bigint[], $3::text[], $4::text[]) AS n (id, tag, name)
            ON CONFLICT DO NOTHING
        RETURNING id
        """,
        account_id,
        [one.id for one in tags],
        [one.tag for one in tags],
        [one.name for one in tags],
    )
    number: int = await conn.fetchval("SELECT count(*) FROM featured_tags WHERE account_id = $1", account_id)
    return len(rows) == len(tags) and number <= most


async def remove(conn: Connection, account_id: int, featured_id: int) -> bool:
    """Show a hashtag no longer; tell whether it was shown."""
    done = await conn.execute(
        "DELETE FROM featured_tags WHERE account_id = $1 AND id = $2", account_id, featured_id
    )
    return done == "DELETE 1"


async def uses(conn: Connection, account_id: int) -> list[TagUse]:
    """Return the hashtags in the newest 10,000 open posts of an account, the most used first."""
    rows = await conn.fetch(
        """
        SELECT t.tag, max(t.name) AS name, count(*) AS posts, max(s.created_at) AS last_at
          FROM (SELECT id, created_at FROM statuses
                 WHERE actor_id = $1 AND deleted_at IS NULL AND reblog_of_id IS NULL AND visibility <= 1
                 ORDER BY id DESC LIMIT 10000) s
          JOIN status_tags t ON t.status_id = s.id
         GROUP BY t.tag ORDER BY posts DESC, last_at DESC
        """,
        account_id,
    )
    return [
        TagUse(tag=row["tag"], name=row["name"], posts=row["posts"], last_at=row["last_at"]) for row in rows
    ]
