"""Tables of events are partitioned by day: partitions are made ahead, and dropped whole when old."""

from datetime import UTC, date, datetime, timedelta

import asyncpg
from msgspec import Struct

from shared.database.pool import Connection

KEPT_DAYS = 8
"""Days that claims and refusals are kept: longer than any server goes on delivering."""

SENT_KEPT_DAYS = 2
"""Days that published messages are kept: longer than a queue may have a backlog."""

_AHEAD = 2
_LOCK = 0x48_44_4C_50
_LOCK_TIMEOUT = "2s"


class Split(Struct, frozen=True, kw_only=True):
    """How a table is split by days: by which column of which type, and how many days are kept."""

    column: str
    kind: str
    kept: int = KEPT_DAYS


TABLES = {
    "claims": Split(column="day", kind="date"),
    "refusals": Split(column="at", kind="timestamptz"),
    "outbox_sent": Split(column="day", kind="date", kept=SENT_KEPT_DAYS),
}
"""The partitioned tables."""


async def keep_up(conn: Connection, today: date | None = None) -> list[str]:
    """Make the partitions of today and the next days, drop the old; return the names of what changed.

    Safe to call from several processes: one does it, the others skip. A busy table is tried again at
    the next call; until then the default partition takes the rows.
    """
    today = today or datetime.now(UTC).date()
    changed: list[str] = []
    for table, split in TABLES.items():
        for name, statement in await _statements(conn, table, split, today):
            if await _run(conn, statement):
                changed.append(name)
    return changed


async def _statements(conn: Connection, table: str, split: Split, today: date) -> list[tuple[str, str]]:
    existing = await _partitions(conn, table)
    days = [today + timedelta(days=ahead) for ahead in range(_AHEAD + 1)]
    made = [
        (_name(table, day), _create(table, split.kind, day))
        for day in days
        if _name(table, day) not in existing
    ]
    oldest = _name(table, today - timedelta(days=split.kept))
    # The names sort as their days do.
    dropped = [(name, f"DROP TABLE {name}") for name in existing if name < oldest]
    return made + dropped


async def _partitions(conn: Connection, table: str) -> list[str]:
    rows = await conn.fetch(
        """
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = $1::text::regclass AND c.relname ~ '_[0-9]{8}$'
         ORDER BY c.relname
        """,
        table,
    )
    return [row["relname"] for row in rows]


def _name(table: str, day: date) -> str:
    return f"{table}_{day:%Y%m%d}"


def _create(table: str, kind: str, day: date) -> str:
    bounds = [f"'{edge.isoformat()}'" for edge in (day, day + timedelta(days=1))]
    if kind == "timestamptz":
        bounds = [f"'{edge.isoformat()} 00:00:00+00'" for edge in (day, day + timedelta(days=1))]
    values = f"FROM ({bounds[0]}) TO ({bounds[1]})"
    return f"CREATE TABLE {_name(table, day)} PARTITION OF {table} FOR VALUES {values}"


async def _run(conn: Connection, statement: str) -> bool:
    try:
        async with conn.transaction():
            if not await conn.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
                return False
            await conn.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
            await conn.execute(statement)
    except (
        asyncpg.LockNotAvailableError,  # busy: next time
        asyncpg.DuplicateTableError,  # another process was faster
        asyncpg.UndefinedTableError,
        asyncpg.CheckViolationError,  # the default partition holds rows of that day already
    ):
        return False
    return True


async def drop_strays(conn: Connection) -> None:
    """Empty the default partitions of what is old: rows that came before their partition was there."""
    for table, split in TABLES.items():
        await conn.execute(
            f"DELETE FROM {table}_default WHERE {split.column} < now() - make_interval(days => $1)",  # noqa: S608
            split.kept,
        )
