"""How many people use the site and how much they write: for the front page, NodeInfo and the instance."""

from msgspec import Struct

from shared.database.pool import Connection
from shared.protocol.objects import ActorKind


class Usage(Struct, frozen=True, kw_only=True):
    """Local accounts, those active lately, and local posts (boosts left out)."""

    accounts: int
    active_month: int
    active_halfyear: int
    posts: int


_USAGE = f"""
SELECT count(*) AS accounts,
       count(*) FILTER (WHERE a.last_status_at > now() - interval '30 days'
                           OR c.last_active_at > now() - interval '30 days') AS active_month,
       count(*) FILTER (WHERE a.last_status_at > now() - interval '180 days'
                           OR c.last_active_at > now() - interval '180 days') AS active_halfyear,
       coalesce(sum(a.statuses_count), 0)::bigint AS posts
  FROM actors a
  JOIN accounts c ON c.actor_id = a.id
 WHERE a.local AND a.deleted_at IS NULL AND a.suspended_at IS NULL
   AND a.kind <> {ActorKind.APPLICATION.value}
"""  # noqa: S608 - a constant number


async def usage(conn: Connection) -> Usage:
    """Return the figures of now."""
    row = await conn.fetchrow(_USAGE)
    if row is None:
        return Usage(accounts=0, active_month=0, active_halfyear=0, posts=0)
    return Usage(**dict(row))
