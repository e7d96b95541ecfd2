"""What was refused after its 202, with the stage and the reason."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from shared.database.pool import Connection
from shared.protocol.identifiers import uri_hash


class Refusal(Struct, frozen=True, kw_only=True):
    """An activity that had no effect; `detail` is for a person and holds no secret."""

    activity_uri: str
    actor_uri: str
    stage: str
    reason: str
    detail: str
    trace: str
    at: datetime | None = None


async def record(conn: Connection, refusals: Sequence[Refusal]) -> None:
    """Keep these refusals for some days."""
    await conn.execute(
        """
        INSERT INTO refusals (activity_hash, activity_uri, actor_uri, stage, reason, detail, trace)
        SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                             $7::text[])
        """,
        [uri_hash(r.activity_uri) for r in refusals],
        [r.activity_uri for r in refusals],
        [r.actor_uri for r in refusals],
        [r.stage for r in refusals],
        [r.reason for r in refusals],
        [r.detail[:500] for r in refusals],
        [r.trace for r in refusals],
    )


async def of_activity(conn: Connection, activity_uri: str) -> list[Refusal]:
    """Return the refusals of this activity, oldest first."""
    rows = await conn.fetch(
        """
        SELECT activity_uri, actor_uri, stage, reason, detail, trace, at
          FROM refusals WHERE activity_hash = $1 ORDER BY at
        """,
        uri_hash(activity_uri),
    )
    return [
        Refusal(
            activity_uri=row["activity_uri"],
            actor_uri=row["actor_uri"],
            stage=row["stage"],
            reason=row["reason"],
            detail=row["detail"],
            trace=row["trace"],
            at=row["at"],
        )
        for row in rows
    ]
