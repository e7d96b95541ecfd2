"""What an account's own posts and boosts need beside their rows."""

from collections.abc import Sequence

from msgspec import Struct

from shared.database.pool import Connection
from shared.protocol.identifiers import uri_hash
from shared.protocol.objects import Visibility


async def show_own(conn: Connection, account_id: int, status_id: int) -> None:
    """Put an account's own post into its home timeline at once, so that it reads what it wrote."""
    await conn.execute(
        """
        INSERT INTO home_timeline (account_id, status_id, actor_id) VALUES ($1, $2, $1)
            ON CONFLICT DO NOTHING
        """,
        account_id,
        status_id,
    )


async def boost_by(conn: Connection, actor_id: int, status_id: int) -> int | None:
    """Return the id of an actor's boost of a post."""
    boost_id: int | None = await conn.fetchval(
        "SELECT id FROM statuses WHERE reblog_of_id = $2 AND actor_id = $1 AND deleted_at IS NULL",
        actor_id,
        status_id,
    )
    return boost_id


class OwnPost(Struct, frozen=True, kw_only=True):
    """Who has an own post, as far as its row tells; `boosters` are remote ones: their servers hold a copy."""

    uri: str
    visibility: Visibility
    mentioned: Sequence[str]
    boosters: Sequence[str]


async def own_post(conn: Connection, actor_id: int, status_id: int, *, most: int) -> OwnPost | None:
    """Return an actor's own post that is not deleted, no boost, with at most so many of its boosters."""
    row = await conn.fetchrow(
        """
        SELECT s.uri, s.visibility,
               ARRAY(SELECT m.actor_uri FROM mentions m WHERE m.status_id = s.id
                      ORDER BY m.actor_uri) AS mentioned,
               ARRAY(SELECT a.uri FROM statuses b JOIN actors a ON a.id = b.actor_id
                      WHERE b.reblog_of_id = s.id AND b.deleted_at IS NULL AND NOT a.local
                      ORDER BY b.id LIMIT $3) AS boosters
          FROM statuses s
         WHERE s.id = $2 AND s.actor_id = $1 AND s.deleted_at IS NULL AND s.reblog_of_id IS NULL
        """,
        actor_id,
        status_id,
        most,
    )
    return None if row is None else OwnPost(**{**row, "visibility": Visibility(row["visibility"])})


async def quote_of(conn: Connection, status_id: int) -> str | None:
    """Return what a post quotes."""
    uri: str | None = await conn.fetchval("SELECT quote_uri FROM statuses WHERE id = $1", status_id)
    return uri


async def author_of(conn: Connection, uri: str) -> str | None:
    """Return the URI of a post's author, None where the post is not known here."""
    author: str | None = await conn.fetchval(
        "SELECT a.uri FROM statuses s JOIN actors a ON a.id = s.actor_id WHERE s.uri_hash = $1", uri_hash(uri)
    )
    return author
