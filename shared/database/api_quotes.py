"""Quotes as the client API shows them: which are shown inside the post that quotes, and who quotes what."""

from collections.abc import Sequence

from msgspec import Struct

from shared.database.api_timelines import Marked
from shared.database.paging import Page
from shared.database.pool import Connection
from shared.database.quotes import QuoteState
from shared.database.visible import VISIBLE, hides
from shared.protocol.identifiers import uri_hash


class QuoteView(Struct, frozen=True, kw_only=True):
    """A quote as a viewer gets it.

    `state` is what its author here or their server said of it, None where nobody asked: then the post counts
    as one of a server that knows no consent, and `closed` says that a post of somebody here must not be
    quoted so. `quoted_id` is the quoted post if it is here, `shown` that the viewer may and wants to see it.
    """

    state: QuoteState | None
    own: bool
    closed: bool
    deleted: bool
    shown: bool
    quoted_id: int | None


_VIEWS = f"""
SELECT n.id, q.state, s.id AS quoted_id, s.deleted_at IS NOT NULL AS deleted,
       s.id IS NOT NULL AND s.actor_id = w.actor_id AS own,
       coalesce(s.local AND s.quote_policy > 0, false) AS closed,
       s.id IS NOT NULL AND (s.visibility <= 1 OR (s.visibility = 2 AND s.actor_id = w.actor_id))
                        AND {VISIBLE} AND {hides("s.actor_id")} AS shown
  FROM unnest($2::bigint[], $3::bytea[]) AS n (id, quoted_hash)
  JOIN statuses w ON w.id = n.id
  LEFT JOIN statuses s ON s.uri_hash = n.quoted_hash AND s.reblog_of_id IS NULL
  LEFT JOIN quotes q ON q.quoting_hash = w.uri_hash AND q.quoted_hash = n.quoted_hash
 WHERE $1::bigint IS NULL OR $1 IS NOT NULL
"""  # noqa: S608 - constants


async def views(conn: Connection, viewer_id: int | None, quoting: dict[int, str]) -> dict[int, QuoteView]:
    """Return how these posts, given with what they quote, show it to a viewer."""
    rows = await conn.fetch(_VIEWS, viewer_id, list(quoting), [uri_hash(uri) for uri in quoting.values()])
    return {
        row["id"]: QuoteView(
            state=None if row["state"] is None else QuoteState(row["state"]),
            own=row["own"],
            closed=row["closed"],
            deleted=row["deleted"],
            shown=row["shown"],
            quoted_id=row["quoted_id"],
        )
        for row in rows
    }


_QUOTING = f"""
SELECT q.id AS cursor, s.id AS status_id
  FROM quotes q JOIN statuses s ON s.uri_hash = q.quoting_hash
 WHERE ($1::bigint IS NULL OR $1 IS NOT NULL)
   AND q.quoted_hash = $2 AND q.state = 1 AND q.id < $3 AND q.id > $4
   AND {VISIBLE} AND {hides("s.actor_id")}
 ORDER BY q.id :order LIMIT $5
"""  # noqa: S608 - constants


async def quoting(conn: Connection, viewer_id: int | None, uri: str, page: Page) -> Sequence[Marked]:
    """Return the posts that quote a post with consent, as far as the viewer may see them."""
    rows = await conn.fetch(
        page.query(_QUOTING), viewer_id, uri_hash(uri), page.below, page.above, page.limit
    )
    return page.newest_first([Marked(**dict(row)) for row in rows])
