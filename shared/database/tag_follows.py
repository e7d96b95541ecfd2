"""Hashtags that accounts follow: public posts under them stand in their home timelines."""

from collections.abc import Collection, Sequence

from msgspec import Struct

from shared.database.paging import Page
from shared.database.pool import Connection


class FollowedTag(Struct, frozen=True):
    """A normalised hashtag in a list that has ids of its own."""

    cursor: int
    tag: str


async def follow(conn: Connection, follow_id: int, account_id: int, tag: str, most: int) -> None:
    """Follow a hashtag; one more than `most` is not followed."""
    await conn.execute(
        """
        INSERT INTO tag_follows (tag, account_id, id)
        SELECT $1, $2, $3 WHERE (SELECT count(*) FROM tag_follows WHERE account_id = $2) < $4
            ON CONFLICT DO NOTHING
        """,
        tag,
        account_id,
        follow_id,
        most,
    )


async def unfollow(conn: Connection, account_id: int, tag: str) -> None:
    """Follow a hashtag no longer."""
    await conn.execute("DELETE FROM tag_follows WHERE tag = $1 AND account_id = $2", tag, account_id)


async def followed_among(conn: Connection, account_id: int, tags: Collection[str]) -> set[str]:
    """Return those of these hashtags that an account follows."""
    rows = await conn.fetch(
        "SELECT tag FROM tag_follows WHERE account_id = $1 AND tag = ANY($2::text[])", account_id, list(tags)
    )
    return {row["tag"] for row in rows}


_PAGE = """
SELECT id AS cursor, tag FROM tag_follows
 WHERE account_id = $1 AND id < $2 AND id > $3 ORDER BY id :order LIMIT $4
"""


async def of_account(conn: Connection, account_id: int, page: Page) -> Sequence[FollowedTag]:
    """Return a page of the hashtags that an account follows, the latest first."""
    rows = await conn.fetch(page.query(_PAGE), account_id, page.below, page.above, page.limit)
    return page.newest_first([FollowedTag(row["cursor"], row["tag"]) for row in rows])
