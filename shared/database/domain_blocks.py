"""Domains that the operator silences or suspends; a block holds for the subdomains too."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from shared.database.pool import Connection


class DomainBlock(Struct, frozen=True, kw_only=True):
    """A moderated domain; `severity` is silence or suspend."""

    domain: str
    severity: str
    reject_media: bool = False
    reject_reports: bool = False
    public_comment: str = ""
    private_comment: str = ""
    created_at: datetime | None = None


async def listed(conn: Connection) -> list[DomainBlock]:
    """Return every moderated domain, in order."""
    rows = await conn.fetch(
        """
        SELECT domain, severity, reject_media, reject_reports, public_comment, private_comment, created_at
          FROM domain_blocks ORDER BY domain
        """
    )
    return [
        DomainBlock(
            domain=row["domain"],
            severity=row["severity"],
            reject_media=row["reject_media"],
            reject_reports=row["reject_reports"],
            public_comment=row["public_comment"],
            private_comment=row["private_comment"],
            created_at=row["created_at"],
        )
        for row in rows
    ]


async def suspended(conn: Connection) -> frozenset[str]:
    """Return the domains that nothing is taken from and nothing is sent to."""
    rows = await conn.fetch("SELECT domain FROM domain_blocks WHERE severity = 'suspend'")
    return frozenset(row["domain"] for row in rows)


async def rejecting_reports(conn: Connection) -> frozenset[str]:
    """Return the domains whose reports are not taken."""
    rows = await conn.fetch("SELECT domain FROM domain_blocks WHERE reject_reports")
    return frozenset(row["domain"] for row in rows)


async def put(conn: Connection, blocks: Sequence[DomainBlock]) -> None:
    """Moderate these domains; what was said about them before is replaced."""
    await conn.execute(
        """
        INSERT INTO domain_blocks
               (domain, severity, reject_media, reject_reports, public_comment, private_comment)
        SELECT * FROM unnest($1::text[], $2::text[], $3::boolean[], $4::boolean[], $5::text[], $6::text[])
            ON CONFLICT (domain) DO UPDATE SET
               severity = excluded.severity, reject_media = excluded.reject_media,
               reject_reports = excluded.reject_reports, public_comment = excluded.public_comment,
               private_comment = excluded.private_comment
        """,
        [b.domain.lower() for b in blocks],
        [b.severity for b in blocks],
        [b.reject_media for b in blocks],
        [b.reject_reports for b in blocks],
        [b.public_comment for b in blocks],
        [b.private_comment for b in blocks],
    )


async def remove(conn: Connection, domains: Sequence[str]) -> int:
    """Lift the moderation of these domains; return how many were moderated."""
    rows = await conn.fetch(
        "DELETE FROM domain_blocks WHERE domain = ANY($1::text[]) RETURNING domain",
        [domain.lower() for domain in domains],
    )
    return len(rows)
