"""Whose home timeline is kept: that of people who were here lately. Others' is filled when they come back."""

from enum import IntEnum
from typing import Final

from shared.database.pool import Connection

IDLE_DAYS: Final = 30
"""Days without a visit after which a home timeline is kept no longer."""

RETIRED_AT_ONCE: Final = 500


class HomeState(IntEnum):
    """Whether new posts are written into a home timeline, and whether it holds the earlier ones."""

    ABSENT = 0
    FILLING = 1
    KEPT = 2


async def retire(conn: Connection, idle_days: int = IDLE_DAYS) -> int:
    """Empty the home timelines of some who were not here for long; return how many they were."""
    retired: int = await conn.fetchval(
        """
        WITH idle AS MATERIALIZED (
            SELECT actor_id FROM accounts
             WHERE home_state <> 0
               AND coalesce(last_active_at, created_at) < now() - make_interval(days => $1)
             LIMIT $2 FOR UPDATE SKIP LOCKED
        ), retired AS (
            UPDATE accounts a SET home_state = 0 FROM idle WHERE a.actor_id = idle.actor_id
        ), emptied AS (
            DELETE FROM home_timeline h USING idle WHERE h.account_id = idle.actor_id
        )
        SELECT count(*) FROM idle
        """,
        idle_days,
        RETIRED_AT_ONCE,
    )
    return retired


async def begin_to_fill(conn: Connection, account_id: int) -> None:
    """Have new posts written into a home timeline from now on."""
    await conn.execute(
        "UPDATE accounts SET home_state = 1 WHERE actor_id = $1 AND home_state = 0", account_id
    )


async def horizon(conn: Connection) -> int:
    """Return a number below which all transactions began before this moment."""
    number: int = await conn.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
    return number


async def is_past(conn: Connection, number: int) -> bool:
    """Tell whether every transaction below a horizon has ended."""
    past: bool = await conn.fetchval(
        "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= $1", number
    )
    return past


async def lock(conn: Connection, account_id: int) -> HomeState:
    """Keep others from filling this home timeline until the transaction ends; return how it stands."""
    await conn.execute("SELECT pg_advisory_xact_lock($1)", account_id)
    state: int | None = await conn.fetchval("SELECT home_state FROM accounts WHERE actor_id = $1", account_id)
    return HomeState.KEPT if state is None else HomeState(state)


async def finish(conn: Connection, account_id: int) -> None:
    """Note that a home timeline is whole."""
    await conn.execute("UPDATE accounts SET home_state = 2 WHERE actor_id = $1", account_id)
