"""What arrived before that which it concerns: an Undo, a Delete, an Update. Kept for some days."""

from collections.abc import Sequence

from msgspec import Struct

from shared.database.pool import Connection
from shared.protocol.identifiers import uri_hash


class PendingNote(Struct, frozen=True, kw_only=True):
    """It waits for `subject`, the id of an activity or a post, and only for one of the same actor.

    `kind` is undo, delete, or update with the time of the edit, of which there may be several;
    `activity` is the MessagePack of the Update.
    """

    subject: str
    actor_uri: str
    kind: str
    activity: bytes | None = None


async def leave(conn: Connection, notes: Sequence[PendingNote]) -> None:
    """Leave word for what is not here yet."""
    await conn.execute(
        """
        INSERT INTO pending_notes (subject_hash, actor_uri, kind, activity)
        SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::bytea[])
            ON CONFLICT DO NOTHING
        """,
        [uri_hash(n.subject) for n in notes],
        [n.actor_uri for n in notes],
        [n.kind for n in notes],
        [n.activity for n in notes],
    )


class WaitingNote(Struct, frozen=True, kw_only=True):
    """A pending note that was found; see `PendingNote`."""

    subject_hash: bytes
    actor_uri: str
    kind: str
    activity: bytes | None


async def waiting_for(conn: Connection, subjects: Sequence[str]) -> list[WaitingNote]:
    """Return what waits for these ids."""
    rows = await conn.fetch(
        """
        SELECT subject_hash, actor_uri, kind, activity
          FROM pending_notes WHERE subject_hash = ANY($1::bytea[])
        """,
        [uri_hash(subject) for subject in subjects],
    )
    return [
        WaitingNote(
            subject_hash=row["subject_hash"],
            actor_uri=row["actor_uri"],
            kind=row["kind"],
            activity=row["activity"],
        )
        for row in rows
    ]


async def forget_older_than(conn: Connection, days: int) -> None:
    """Forget what has waited in vain for this many days."""
    await conn.execute("DELETE FROM pending_notes WHERE created_at < now() - make_interval(days => $1)", days)


async def lock(conn: Connection, numbers: Sequence[int], exclusive: Sequence[bool]) -> None:
    """Keep other transactions from working on the same things until this one ends.

    Args:
        conn: In a transaction.
        numbers: Numbers that stand for the things, in ascending order, so that nobody deadlocks.
        exclusive: For each, whether nobody else may share it.
    """
    await conn.execute(
        """
        SELECT count(CASE WHEN n.exclusive THEN pg_advisory_xact_lock(n.number)::text
                          ELSE pg_advisory_xact_lock_shared(n.number)::text END)
          FROM unnest($1::bigint[], $2::boolean[]) AS n (number, exclusive)
        """,
        list(numbers),
        list(exclusive),
    )
