"""Signing in: stored password hashes, and how often a name was tried."""

from collections.abc import Sequence

from msgspec import Struct

from shared.database.pool import Connection


class Credentials(Struct, frozen=True):
    """An account and the Argon2 hash of its password; an empty one fits nothing."""

    account_id: int
    password_hash: str


async def credentials_by_name(conn: Connection, username: str) -> Credentials | None:
    """Return what is needed to check a password of an active local account."""
    row = await conn.fetchrow(
        """
        SELECT c.actor_id, c.password_hash
          FROM accounts c
          JOIN actors a ON a.id = c.actor_id
         WHERE lower(a.username) = lower($1) AND a.local AND a.deleted_at IS NULL AND a.suspended_at IS NULL
        """,
        username,
    )
    return None if row is None else Credentials(row["actor_id"], row["password_hash"])


async def note_attempt(conn: Connection, subjects: Sequence[bytes], window_seconds: int) -> dict[bytes, int]:
    """Count an attempt for each subject; return how many there were in the running window."""
    rows = await conn.fetch(
        """
        INSERT INTO sign_in_attempts AS s (subject, attempts, window_started_at)
        SELECT unnest($1::bytea[]), 1, now()
        ON CONFLICT (subject) DO UPDATE
           SET attempts = CASE WHEN s.window_started_at < now() - make_interval(secs => $2) THEN 1
                               ELSE s.attempts + 1 END,
               window_started_at = CASE WHEN s.window_started_at < now() - make_interval(secs => $2)
                                        THEN now() ELSE s.window_started_at END
        RETURNING subject, attempts
        """,
        sorted(subjects),
        window_seconds,
    )
    return {row["subject"]: row["attempts"] for row in rows}


async def forget_failures(conn: Connection, subjects: Sequence[bytes]) -> None:
    """Start these subjects anew after a success, and drop what is older than a day."""
    await conn.execute(
        """
        DELETE FROM sign_in_attempts
         WHERE subject = ANY($1::bytea[]) OR window_started_at < now() - interval '1 day'
        """,
        list(subjects),
    )
