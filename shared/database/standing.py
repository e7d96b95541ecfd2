"""What applying an activity needs to know of the actors in it, asked for a whole batch at once."""

from collections.abc import Sequence

from msgspec import Struct

from shared.database.pool import Connection
from shared.protocol.identifiers import uri_hash


class Standing(Struct, frozen=True, kw_only=True):
    """An actor as the pipeline sees it.

    `followed` tells whether anybody follows them as far as we know, which for a remote actor means
    somebody here; `federated` is true for a local account that opted in.
    """

    id: int
    uri: str
    local: bool
    username: str
    domain: str
    followers_uri: str
    locked: bool
    federated: bool
    followed: bool
    gone: bool
    featured_uri: str = ""
    following_uri: str = ""


async def standings(conn: Connection, uris: Sequence[str]) -> dict[str, Standing]:
    """Return how those of these actors stand that are known, by URI."""
    rows = await conn.fetch(
        """
        SELECT a.id, a.uri, a.local, a.username, a.domain, a.followers_uri, a.following_uri, a.locked,
               a.featured_uri,
               coalesce(c.federated, false) AS federated,
               EXISTS (SELECT FROM follows f WHERE f.followee_id = a.id AND f.state = 1) AS followed,
               a.deleted_at IS NOT NULL OR a.suspended_at IS NOT NULL AS gone
          FROM unnest($1::bytea[]) AS n (hash)
         CROSS JOIN LATERAL (SELECT * FROM actors t WHERE t.uri_hash = n.hash OFFSET 0) a
          LEFT JOIN LATERAL (SELECT t.federated FROM accounts t WHERE t.actor_id = a.id OFFSET 0) c ON true
        """,
        [uri_hash(uri) for uri in uris],
    )
    return {
        row["uri"]: Standing(
            id=row["id"],
            uri=row["uri"],
            local=row["local"],
            username=row["username"],
            domain=row["domain"],
            followers_uri=row["followers_uri"],
            locked=row["locked"],
            federated=row["federated"],
            followed=row["followed"],
            gone=row["gone"],
            featured_uri=row["featured_uri"],
            following_uri=row["following_uri"],
        )
        for row in rows
    }
