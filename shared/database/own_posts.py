"""What an account's own posts and boosts need beside their rows."""

from collections.abc import Sequence

from shared.database.pool import Connection
from shared.protocol.identifiers import uri_hash


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


async def remote_boosters(conn: Connection, status_id: int, most: int) -> Sequence[str]:
    """Return the remote actors that boosted a post: their servers hold a copy."""
    rows = await conn.fetch(
        """
        SELECT a.uri FROM statuses b JOIN actors a ON a.id = b.actor_id
         WHERE b.reblog_of_id = $1 AND b.deleted_at IS NULL AND NOT a.local
         ORDER BY b.id LIMIT $2
        """,
        status_id,
        most,
    )
    return [row["uri"] for row in rows]


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
