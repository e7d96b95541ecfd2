"""Actors by their handles."""

from collections.abc import Collection

from msgspec import Struct

from shared.database.pool import Connection


class MentionedRow(Struct, frozen=True, kw_only=True):
    """What a mention needs to know of an actor."""

    id: int
    uri: str
    url: str
    username: str
    domain: str
    local: bool


async def actors_by_handles(
    conn: Connection, handles: Collection[tuple[str, str]]
) -> dict[tuple[str, str], MentionedRow]:
    """Return the active actors of these (name, domain), both in lower case."""
    rows = await conn.fetch(
        """
        SELECT n.name, a.id, a.uri, a.url, a.username, a.domain, a.local
          FROM unnest($1::text[], $2::text[]) AS n (name, domain)
          JOIN actors a ON lower(a.username) = n.name AND a.domain = n.domain
         WHERE a.deleted_at IS NULL AND a.suspended_at IS NULL
        """,
        [name for name, _ in handles],
        [domain for _, domain in handles],
    )
    return {
        (row["name"], row["domain"]): MentionedRow(
            id=row["id"],
            uri=row["uri"],
            url=row["url"],
            username=row["username"],
            domain=row["domain"],
            local=row["local"],
        )
        for row in rows
    }
