"""Which post a client's Idempotency-Key stands for."""

from shared.database.pool import Connection


async def status_of(conn: Connection, account_id: int, key: str) -> int | None:
    """Return the post that was made under this key in the last day."""
    known: int | None = await conn.fetchval(
        """
        SELECT status_id FROM idempotency_keys
         WHERE account_id = $1 AND key = $2 AND created_at > now() - interval '1 day'
        """,
        account_id,
        key,
    )
    return known


async def claim(conn: Connection, account_id: int, key: str, status_id: int) -> int | None:
    """Take a key for a post in this transaction; where it is taken, return the post it stands for.

    A second request with the same key waits here until the first one has committed.
    """
    taken: int | None = await conn.fetchval(
        """
        INSERT INTO idempotency_keys AS k (account_id, key, status_id) VALUES ($1, $2, $3)
            ON CONFLICT (account_id, key) DO UPDATE
               SET status_id = CASE WHEN k.created_at > now() - interval '1 day' THEN k.status_id
                                    ELSE excluded.status_id END,
                   created_at = CASE WHEN k.created_at > now() - interval '1 day' THEN k.created_at
                                     ELSE now() END
        RETURNING status_id
        """,
        account_id,
        key,
        status_id,
    )
    return None if taken == status_id else taken


async def forget_old(conn: Connection) -> None:
    """Drop keys that are older than a day."""
    await conn.execute("DELETE FROM idempotency_keys WHERE created_at < now() - interval '1 day'")
