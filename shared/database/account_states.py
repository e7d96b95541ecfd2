"""What operators change about a local account as a whole."""

from shared.database.pool import Connection


async def federate(conn: Connection, account_id: int) -> bool:
    """Share an account with other servers; false where it is shared already."""
    status = await conn.execute(
        "UPDATE accounts SET federated = true WHERE actor_id = $1 AND NOT federated", account_id
    )
    return status != "UPDATE 0"


async def suspend(conn: Connection, account_id: int) -> bool:
    """Suspend an account and revoke its tokens; false where it is suspended already."""
    suspended = await conn.fetchval(
        """
        WITH revoked AS (
            DELETE FROM oauth_tokens WHERE account_id = $1
        ), codes AS (
            DELETE FROM oauth_codes WHERE account_id = $1
        )
        UPDATE actors SET suspended_at = now() WHERE id = $1 AND suspended_at IS NULL RETURNING true
        """,
        account_id,
    )
    return bool(suspended)
