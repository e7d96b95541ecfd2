"""What the site says of itself: whom it knows, whom it moderates, which hashtags are in use."""

from collections.abc import Sequence

from msgspec import Struct

from shared.database.pool import Connection


async def count_peers(conn: Connection) -> int:
    """Return how many servers this one knows accounts of."""
    count: int = await conn.fetchval("SELECT count(DISTINCT domain) FROM actors WHERE NOT local")
    return count


async def peers(conn: Connection, most: int) -> Sequence[str]:
    """Return the servers that this one knows accounts of."""
    rows = await conn.fetch(
        "SELECT DISTINCT domain FROM actors WHERE NOT local ORDER BY domain LIMIT $1", most
    )
    return [row["domain"] for row in rows]


class PublicBlock(Struct, frozen=True, kw_only=True):
    """A moderated server, as far as the public is told."""

    domain: str
    severity: str
    comment: str


async def public_blocks(conn: Connection) -> Sequence[PublicBlock]:
    """Return the moderated servers with the reasons given to the public."""
    rows = await conn.fetch(
        "SELECT domain, severity, public_comment AS comment FROM domain_blocks ORDER BY domain"
    )
    return [PublicBlock(**row) for row in rows]


class Day(Struct, frozen=True, kw_only=True):
    """The use of a hashtag on a day that began at this Unix time."""

    begin: int
    uses: int
    accounts: int


async def tag_days(conn: Connection, tag: str) -> Sequence[Day]:
    """Return how much a hashtag was used on each of the last seven days, the latest first."""
    rows = await conn.fetch(
        """
        SELECT extract(epoch FROM d.day)::bigint AS begin, count(s.id) AS uses,
               count(DISTINCT s.actor_id) AS accounts
          FROM generate_series(date_trunc('day', now()) - interval '6 days', date_trunc('day', now()),
                               '1 day') AS d (day)
          LEFT JOIN (status_tags t JOIN statuses s ON s.id = t.status_id AND s.visibility = 0
                                                  AND s.deleted_at IS NULL
                                                  AND s.created_at > now() - interval '8 days')
            ON t.tag = $1 AND s.created_at >= d.day AND s.created_at < d.day + interval '1 day'
         GROUP BY d.day ORDER BY d.day DESC
        """,
        tag,
    )
    return [Day(**row) for row in rows]


async def tags_starting(conn: Connection, prefix: str, limit: int, offset: int) -> Sequence[str]:
    """Return the hashtags of public posts that begin like this, the most used first."""
    safe = prefix.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    rows = await conn.fetch(
        """
        SELECT t.tag, count(*) AS uses
          FROM status_tags t JOIN statuses s ON s.id = t.status_id
         WHERE t.tag LIKE $1 AND s.visibility = 0 AND s.deleted_at IS NULL
         GROUP BY t.tag ORDER BY uses DESC, t.tag
         LIMIT $2 OFFSET $3
        """,
        f"{safe}%",
        limit,
        offset,
    )
    return [row["tag"] for row in rows]
