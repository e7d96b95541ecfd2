"""Which activities were applied: a claim is written in the same transaction as the effect."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from shared.database.pool import Connection


class Claim(Struct, frozen=True, kw_only=True):
    """An activity about to be applied; `hash` is of its id, for an Update of id and contents."""

    hash: bytes
    uri: str
    type: str
    actor_uri: str
    trace: str
    local: bool
    received_at: datetime


class ClaimRow(Struct, frozen=True, kw_only=True):
    """An activity that was applied, and what came of it."""

    uri: str
    type: str
    actor_uri: str
    outcome: str
    trace: str
    local: bool
    received_at: datetime
    applied_at: datetime


_CLAIM = """
INSERT INTO claims (day, activity_hash, activity_uri, type, actor_uri, outcome, trace, local, received_at)
SELECT (now() AT TIME ZONE 'UTC')::date, n.hash, n.uri, n.type, n.actor_uri, 'applied', n.trace, n.local,
       n.received_at
  FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::timestamptz[])
       AS n (hash, uri, type, actor_uri, trace, local, received_at)
  -- The other days; of today the conflict tells.
  LEFT JOIN LATERAL (SELECT true AS seen FROM claims c
                      WHERE c.activity_hash = n.hash AND c.day < (now() AT TIME ZONE 'UTC')::date
                      LIMIT 1) c ON true
 WHERE c.seen IS NULL
    ON CONFLICT DO NOTHING
RETURNING activity_hash
"""


async def claim(conn: Connection, claims: Sequence[Claim]) -> set[bytes]:
    """Record these as applied; return the hashes of those not seen before, on any day that is kept."""
    # Sorted, so that two transactions with the same activities wait for each other instead of deadlocking.
    ordered = sorted({c.hash: c for c in reversed(claims)}.values(), key=lambda c: c.hash)
    rows = await conn.fetch(
        _CLAIM,
        [c.hash for c in ordered],
        [c.uri for c in ordered],
        [c.type for c in ordered],
        [c.actor_uri for c in ordered],
        [c.trace for c in ordered],
        [c.local for c in ordered],
        [c.received_at for c in ordered],
    )
    return {row["activity_hash"] for row in rows}


async def note_outcomes(conn: Connection, outcomes: Sequence[tuple[bytes, str]]) -> None:
    """Record what came of claimed activities where it is anything but `applied`."""
    if not outcomes:
        return
    await conn.execute(
        """
        UPDATE claims c SET outcome = n.outcome
          FROM unnest($1::bytea[], $2::text[]) AS n (hash, outcome)
         WHERE c.activity_hash = n.hash AND c.day = (now() AT TIME ZONE 'UTC')::date
        """,
        [activity_hash for activity_hash, _ in outcomes],
        [outcome for _, outcome in outcomes],
    )


async def of_activity(conn: Connection, activity_uri: str, activity_hash: bytes) -> list[ClaimRow]:
    """Return what was applied under this id, oldest first; an Update may appear more than once."""
    rows = await conn.fetch(
        """
        SELECT activity_uri, type, actor_uri, outcome, trace, local, received_at, applied_at FROM claims
         WHERE activity_hash = $2 OR (type = 'Update' AND activity_uri = $1)
         ORDER BY applied_at
        """,
        activity_uri,
        activity_hash,
    )
    return [
        ClaimRow(
            uri=row["activity_uri"],
            type=row["type"],
            actor_uri=row["actor_uri"],
            outcome=row["outcome"],
            trace=row["trace"],
            local=row["local"],
            received_at=row["received_at"],
            applied_at=row["applied_at"],
        )
        for row in rows
    ]
