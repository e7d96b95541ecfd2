"""What a load test asks afterwards: what became of these activities, and are the counters right."""

from collections.abc import Sequence
from datetime import datetime

from asyncpg import Record
from msgspec import Struct

from shared.database.deliveries import State
from shared.database.pool import Connection


class Claimed(Struct, frozen=True, kw_only=True):
    """An activity that was applied, and what came of it; `hash` is what it was claimed by."""

    hash: bytes
    uri: str
    outcome: str
    applied_at: datetime


class Turned(Struct, frozen=True, kw_only=True):
    """An activity that was refused after it had been acknowledged."""

    uri: str
    reason: str
    at: datetime


class Drift(Struct, frozen=True, kw_only=True):
    """A counter that says something else than the rows it counts."""

    subject: str
    counter: str
    says: int
    rows: int


class PublicPost(Struct, frozen=True, kw_only=True):
    """A public post of this site."""

    uri: str
    author: str


async def claims_of(conn: Connection, hashes: Sequence[bytes]) -> list[Claimed]:
    """Return what was applied of these activities; one that was applied twice comes twice."""
    rows = await conn.fetch(
        """
        SELECT activity_hash, activity_uri, outcome, applied_at FROM claims
         WHERE activity_hash = ANY($1::bytea[])
        """,
        list(hashes),
    )
    return [_claimed(row) for row in rows]


async def updates_since(conn: Connection, moment: datetime) -> list[Claimed]:
    """Return the Updates applied since then: they are claimed by what they say, not by their id."""
    rows = await conn.fetch(
        """
        SELECT activity_hash, activity_uri, outcome, applied_at FROM claims
         WHERE day >= ($1::timestamptz AT TIME ZONE 'UTC')::date AND applied_at >= $1 AND type = 'Update'
        """,
        moment,
    )
    return [_claimed(row) for row in rows]


def _claimed(row: Record) -> Claimed:
    return Claimed(
        hash=row["activity_hash"],
        uri=row["activity_uri"],
        outcome=row["outcome"],
        applied_at=row["applied_at"],
    )


async def refusals_of(conn: Connection, hashes: Sequence[bytes]) -> list[Turned]:
    """Return what was refused of these activities."""
    rows = await conn.fetch(
        "SELECT activity_uri, reason, at FROM refusals WHERE activity_hash = ANY($1::bytea[])", list(hashes)
    )
    return [Turned(uri=r["activity_uri"], reason=r["reason"], at=r["at"]) for r in rows]


async def posts_known(conn: Connection, hashes: Sequence[bytes]) -> set[bytes]:
    """Return which of these posts are stored, tombstones included, by the hash of their URI."""
    rows = await conn.fetch("SELECT uri_hash FROM statuses WHERE uri_hash = ANY($1::bytea[])", list(hashes))
    return {row["uri_hash"] for row in rows}


async def delivery_states(conn: Connection, activity_hashes: Sequence[bytes]) -> dict[tuple[str, str], str]:
    """Return queued, delivered, parked or dead by (activity URI, host) for these activities."""
    rows = await conn.fetch(
        """
        SELECT s.activity_uri, d.host, d.state
          FROM deliveries d JOIN sent_activities s USING (activity_hash)
         WHERE d.activity_hash = ANY($1::bytea[])
        """,
        list(activity_hashes),
    )
    return {(row["activity_uri"], row["host"]): State(row["state"]).name.lower() for row in rows}


async def counter_drift(conn: Connection, actor_uris: Sequence[str]) -> list[Drift]:
    """Return the counters of these actors and their posts that disagree with the rows they count."""
    rows = await conn.fetch(
        """
        WITH chosen AS (SELECT id, uri, followers_count FROM actors WHERE uri = ANY($1::text[])),
        posts AS (
            SELECT s.id, s.uri, s.favourites_count, s.reblogs_count
              FROM statuses s JOIN chosen c ON c.id = s.actor_id
             WHERE s.reblog_of_id IS NULL AND s.deleted_at IS NULL
        ),
        found AS (
            SELECT uri, 'followers' AS counter, followers_count AS says,
                   (SELECT count(*) FROM follows f WHERE f.followee_id = chosen.id AND f.state = 1) AS rows
              FROM chosen
            UNION ALL
            SELECT uri, 'favourites', favourites_count,
                   (SELECT count(*) FROM favourites f WHERE f.status_id = posts.id)
              FROM posts
            UNION ALL
            SELECT uri, 'reblogs', reblogs_count,
                   (SELECT count(*) FROM statuses b WHERE b.reblog_of_id = posts.id AND b.deleted_at IS NULL)
              FROM posts
        )
        SELECT uri, counter, says, rows FROM found WHERE says <> rows
        """,
        list(actor_uris),
    )
    return [Drift(subject=r["uri"], counter=r["counter"], says=r["says"], rows=r["rows"]) for r in rows]


async def federated_names(conn: Connection, limit: int) -> list[str]:
    """Return names of local accounts that are shared with other servers."""
    rows = await conn.fetch(
        """
        SELECT a.username FROM accounts c JOIN actors a ON a.id = c.actor_id
         WHERE c.federated AND a.suspended_at IS NULL AND a.deleted_at IS NULL
         ORDER BY a.id LIMIT $1
        """,
        limit,
    )
    return [row["username"] for row in rows]
