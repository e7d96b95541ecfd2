"""What was planned to be sent, where to, and how each of it went.

One row of `sent_activities` for each activity, one of `deliveries` for each inbox: the states always sum
to the plan. What is settled for long is let go (`retention.py`).
"""

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum

from msgspec import Struct

from shared.database.pool import Connection
from shared.protocol.identifiers import uri_hash


class State(IntEnum):
    """Where a delivery stands; superseded is what a newer one made pointless before it could be sent."""

    QUEUED = 0
    DELIVERED = 1
    PARKED = 2
    DEAD = 3
    SUPERSEDED = 4


class Progress(Struct, frozen=True, kw_only=True):
    """What became of one delivery; `tried` unless it was put aside without a request.

    A parked one waits until `next_try_at`, and at least as long as its host is held.
    """

    activity_uri: str
    inbox: str
    state: State
    tried: bool = True
    status: int | None = None
    reason: str = ""
    next_try_at: datetime | None = None


async def settled(
    conn: Connection, keys: Sequence[tuple[bytes, str]], released: Sequence[bool]
) -> set[tuple[bytes, str]]:
    """Return those of these (hash of the activity, inbox) that are not to be sent by these messages.

    They are delivered, dead or superseded; or parked, and the message is not the one that released them:
    then it is a second copy, and a later activity may have passed since.
    """
    rows = await conn.fetch(
        """
        SELECT d.activity_hash, d.inbox
          FROM unnest($1::bytea[], $2::text[], $3::boolean[]) AS k (activity_hash, inbox, released)
          JOIN deliveries d USING (activity_hash, inbox)
         WHERE d.state IN (1, 3, 4) OR (d.state = 2 AND NOT k.released)
        """,
        [activity_hash for activity_hash, _ in keys],
        [inbox for _, inbox in keys],
        released,
    )
    return {(row["activity_hash"], row["inbox"]) for row in rows}


_FEW = 8
"""Outcomes of one kind that are not worth a statement of their own."""


async def record(conn: Connection, progress: Sequence[Progress]) -> None:
    """Record outcomes; what is delivered stays delivered, whatever a late copy brings.

    Most are the same, a delivery with the same answer: these travel without a column for each part.
    """
    kinds: dict[_Kind, list[Progress]] = {}
    for one in progress:
        kinds.setdefault((one.state, one.tried, one.status, one.reason, one.next_try_at), []).append(one)
    various: list[Progress] = []
    for kind, alike in kinds.items():
        if len(alike) < _FEW:
            various += alike
        else:
            await _record_alike(conn, kind, alike)
    if various:
        await _record_various(conn, various)


_Kind = tuple[State, bool, int | None, str, datetime | None]


async def _record_alike(conn: Connection, kind: _Kind, progress: Sequence[Progress]) -> None:
    state, tried, status, reason, next_try_at = kind
    await conn.execute(
        """
        UPDATE deliveries AS d
           SET state = $3, attempts = d.attempts + $4, status = COALESCE($5, d.status),
               reason = $6, next_try_at = $7, updated_at = now()
          FROM unnest($1::bytea[], $2::text[]) AS t (activity_hash, inbox)
         WHERE d.activity_hash = t.activity_hash AND d.inbox = t.inbox
           AND (d.state NOT IN (1, 4) OR (d.state = 4 AND $3 = 1))
        """,
        [uri_hash(one.activity_uri) for one in progress],
        [one.inbox for one in progress],
        state,
        int(tried),
        status,
        reason,
        next_try_at,
    )


async def _record_various(conn: Connection, progress: Sequence[Progress]) -> None:
    await conn.execute(
        """
        UPDATE deliveries AS d
           SET state = t.state, attempts = d.attempts + t.tried, status = COALESCE(t.status, d.status),
               reason = t.reason, next_try_at = t.next_try_at, updated_at = now()
          FROM unnest($1::bytea[], $2::text[], $3::smallint[], $4::integer[], $5::smallint[], $6::text[],
                      $7::timestamptz[])
               AS t (activity_hash, inbox, state, tried, status, reason, next_try_at)
         WHERE d.activity_hash = t.activity_hash AND d.inbox = t.inbox
           AND (d.state NOT IN (1, 4) OR (d.state = 4 AND t.state = 1))
        """,
        [uri_hash(one.activity_uri) for one in progress],
        [one.inbox for one in progress],
        [one.state for one in progress],
        [int(one.tried) for one in progress],
        [one.status for one in progress],
        [one.reason for one in progress],
        [one.next_try_at for one in progress],
    )
