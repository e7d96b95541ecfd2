"""How a follower wants to see whom they follow."""

from shared.database.pool import Connection


async def set_show_reblogs(
    conn: Connection, follower_id: int, followee_id: int, *, show_reblogs: bool
) -> None:
    """Say whether boosts of somebody followed appear in the follower's home timeline."""
    await conn.execute(
        "UPDATE follows SET show_reblogs = $3 WHERE follower_id = $1 AND followee_id = $2",
        follower_id,
        followee_id,
        show_reblogs,
    )
