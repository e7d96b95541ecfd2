"""What other servers run, as they say when asked once a week; and the Accept that they insist on."""

from datetime import timedelta
from typing import Final

from msgspec import Struct

from shared.database.pool import Connection

FRESH_FOR: Final = timedelta(days=7)
"""How long an answer is believed, and how long a server that gave none is left alone."""


class Unprofiled(Struct, frozen=True, kw_only=True):
    """A host whose software is not known, or not lately; `inbox` is one of its own and tells its origin."""

    host: str
    inbox: str


async def take_due(conn: Connection, limit: int) -> list[Unprofiled]:
    """Return hosts that answer and are due to be asked, and note that they are asked now.

    Another process takes others.
    """
    rows = await conn.fetch(
        """
        WITH due AS (
            SELECT h.host, a.inbox FROM hosts h
             CROSS JOIN LATERAL (SELECT inbox FROM actors a
                                  WHERE a.domain = h.host AND NOT a.local AND a.inbox <> '' LIMIT 1) a
             WHERE h.failures = 0 AND h.last_success_at IS NOT NULL
               AND (h.profiled_at IS NULL OR h.profiled_at < now() - $1::interval)
             ORDER BY h.profiled_at NULLS FIRST LIMIT $2
               FOR UPDATE OF h SKIP LOCKED
        )
        UPDATE hosts h SET profiled_at = now() FROM due WHERE h.host = due.host
        RETURNING h.host, due.inbox
        """,
        FRESH_FOR,
        limit,
    )
    return [Unprofiled(host=row["host"], inbox=row["inbox"]) for row in rows]


async def note_software(conn: Connection, host: str, software: str, version: str) -> None:
    """Record what a host runs."""
    await conn.execute(
        "UPDATE hosts SET software = $2, software_version = $3 WHERE host = $1", host, software, version
    )


async def accepts(conn: Connection) -> dict[str, str]:
    """Return the `Accept` of those hosts that do not take the usual one."""
    rows = await conn.fetch("SELECT host, fetch_accept FROM hosts WHERE fetch_accept <> ''")
    return {row["host"]: row["fetch_accept"] for row in rows}


async def note_accept(conn: Connection, host: str, accept: str) -> None:
    """Record the `Accept` that a host insists on; empty for the usual one."""
    await conn.execute(
        """
        INSERT INTO hosts AS h (host, fetch_accept) VALUES ($1, $2)
            ON CONFLICT (host) DO UPDATE SET fetch_accept = EXCLUDED.fetch_accept
        """,
        host,
        accept,
    )
