"""Which quoted posts are shown inside those that quote them."""

from collections.abc import Collection

from shared.database.pool import Connection
from shared.database.visible import VISIBLE, hides
from shared.protocol.identifiers import uri_hash

_QUOTABLE = f"""
SELECT s.uri, s.id
  FROM statuses s
 WHERE s.uri_hash = ANY($2::bytea[]) AND s.visibility <= 1 AND s.reblog_of_id IS NULL
   AND {VISIBLE} AND {hides("s.actor_id")}
"""  # noqa: S608 - constants


async def quotable(conn: Connection, viewer_id: int | None, uris: Collection[str]) -> dict[str, int]:
    """Return the ids of those of these posts that are here, open to all and not hidden from the viewer."""
    rows = await conn.fetch(_QUOTABLE, viewer_id, [uri_hash(uri) for uri in uris])
    return {row["uri"]: row["id"] for row in rows}
