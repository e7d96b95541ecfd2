"""Complaints about people and their posts, for operators to look at."""

from collections.abc import Sequence
from datetime import datetime

from asyncpg import Record
from msgspec import Struct

from shared.database.pool import Connection
from shared.protocol.identifiers import uri_hash


class NewReport(Struct, frozen=True, kw_only=True):
    """A report; `uri` is the id of its Flag, `actor_id` who reports, `target_id` whom."""

    id: int
    uri: str
    local: bool
    actor_id: int
    target_id: int
    status_uris: tuple[str, ...] = ()
    comment: str = ""
    category: str = "other"
    forwarded: bool = False


class ReportRow(Struct, frozen=True, kw_only=True):
    """A report as operators read it: who reports whom, by handle."""

    id: int
    uri: str
    local: bool
    reporter: str
    target: str
    target_uri: str
    status_uris: tuple[str, ...]
    comment: str
    category: str
    forwarded: bool
    created_at: datetime
    resolved_at: datetime | None


async def insert(conn: Connection, reports: Sequence[NewReport]) -> set[int]:
    """Store reports and return the ids of the new ones: one Flag reports a person once."""
    stored: set[int] = set()
    for report in reports:
        status = await conn.execute(
            """
            INSERT INTO reports (id, uri, uri_hash, local, actor_id, target_id, status_uris, comment,
                                 category, forwarded)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                ON CONFLICT DO NOTHING
            """,
            report.id,
            report.uri,
            uri_hash(report.uri),
            report.local,
            report.actor_id,
            report.target_id,
            list(report.status_uris),
            report.comment,
            report.category,
            report.forwarded,
        )
        if status.endswith(" 1"):
            stored.add(report.id)
    return stored


async def open_by(conn: Connection, actor_ids: Sequence[int]) -> dict[int, int]:
    """Return how many unresolved reports these actors have made; nobody who made none is named."""
    rows = await conn.fetch(
        """
        SELECT actor_id, count(*) AS number FROM reports
         WHERE actor_id = ANY($1::bigint[]) AND resolved_at IS NULL GROUP BY actor_id
        """,
        list(actor_ids),
    )
    return {row["actor_id"]: row["number"] for row in rows}


_SELECT = """
SELECT r.id, r.uri, r.local, r.status_uris, r.comment, r.category, r.forwarded, r.created_at, r.resolved_at,
       a.username || '@' || a.domain AS reporter, t.username || '@' || t.domain AS target, t.uri AS target_uri
  FROM reports r
  JOIN actors a ON a.id = r.actor_id
  JOIN actors t ON t.id = r.target_id
"""


def _report(row: Record) -> ReportRow:
    return ReportRow(**{**dict(row), "status_uris": tuple(row["status_uris"])})


async def listed(conn: Connection, *, resolved: bool, limit: int) -> list[ReportRow]:
    """Return the newest reports; those that are `resolved` only if they are wanted too."""
    rows = await conn.fetch(
        f"{_SELECT} WHERE $1 OR r.resolved_at IS NULL ORDER BY r.id DESC LIMIT $2", resolved, limit
    )
    return [_report(row) for row in rows]


async def by_id(conn: Connection, report_id: int) -> ReportRow | None:
    """Return a report."""
    row = await conn.fetchrow(f"{_SELECT} WHERE r.id = $1", report_id)
    return None if row is None else _report(row)


async def resolve(conn: Connection, report_id: int) -> bool:
    """Close a report; return whether there is such a one. A closed one keeps its time."""
    status = await conn.execute(
        "UPDATE reports SET resolved_at = coalesce(resolved_at, now()) WHERE id = $1", report_id
    )
    return status.endswith(" 1")
