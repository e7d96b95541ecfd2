"""Forward-only migrations: plain SQL files, each applied once, in order, in its own transaction.

A file is named `NNNN_what.pre.sql` or `NNNN_what.post.sql`: before or after the new code is deployed.
"""

import argparse
import asyncio
import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from shared.database.pool import Connection, connect, unavailable_when_down
from shared.protocol.errors import Rejected, Unavailable

Phase = Literal["pre", "post"]

FOLDER = Path(__file__).parent / "migrations"

_LOCK = 0x48_44_4C_45  # one migrator at a time; the number itself means nothing
_LOCK_TIMEOUT = "10s"
_STATEMENT_TIMEOUT = "10min"

_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name       text PRIMARY KEY,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class MigrationChanged(Rejected):
    """A migration that was applied has been edited since, or its file is gone."""

    reason = "migration_changed"


class Migration(Struct, frozen=True, kw_only=True):
    """One file; `checksum` is the SHA-256 of its text in hexadecimal."""

    name: str
    phase: str
    sql: str

    @property
    def checksum(self) -> str:
        """What the ledger compares."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def load_migrations(folder: Path = FOLDER) -> list[Migration]:
    """Return the migrations of a folder in the order of their numbers."""
    files = sorted(folder.glob("*.sql"))
    return [
        Migration(name=file.name, phase=file.name.split(".")[-2], sql=file.read_text("utf-8"))
        for file in files
    ]


async def migrate(
    url: str, phase: Phase | None = None, *, migrations: Sequence[Migration] | None = None
) -> list[str]:
    """Bring a database up to date and return the names of what was applied; safe to repeat and to run twice.

    Args:
        url: `postgresql://…`, straight to the server rather than through a transaction pooler.
        phase: Only these, before or after a deploy; all of them where nothing is said.
        migrations: The full list, where it is not the one of this package.

    Raises:
        MigrationChanged: What was applied is not what the files say.
        Unavailable: The database does not answer, or a lock was not given in time.
    """
    known = load_migrations() if migrations is None else migrations
    conn = await connect(url, application_name="heddle-migrate")
    try:
        with unavailable_when_down():
            applied = [m.name for m in known if phase in {None, m.phase} and await _apply(conn, m, known)]
    finally:
        await conn.close()
    return applied


async def pending(url: str) -> list[str]:
    """Return the names of the migrations that the database lacks."""
    conn = await connect(url, application_name="heddle-migrate")
    try:
        with unavailable_when_down():
            if await conn.fetchval("SELECT to_regclass('schema_migrations')") is None:
                return [m.name for m in load_migrations()]
            done = await _ledger(conn)
    finally:
        await conn.close()
    return [m.name for m in load_migrations() if m.name not in done]


async def _apply(conn: Connection, migration: Migration, known: Sequence[Migration]) -> bool:
    async with conn.transaction():
        # Held to the end of the transaction: a second migrator waits here and then finds it done.
        await conn.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await conn.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
        await conn.execute(f"SET LOCAL statement_timeout = '{_STATEMENT_TIMEOUT}'")
        await conn.execute(_LEDGER)
        done = await _ledger(conn)
        _check(done, known)
        if migration.name in done:
            return False
        await conn.execute(migration.sql, timeout=900)
        await conn.execute(
            "INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)",
            migration.name,
            migration.checksum,
        )
    return True


async def _ledger(conn: Connection) -> dict[str, str]:
    rows = await conn.fetch("SELECT name, checksum FROM schema_migrations")
    return {row["name"]: row["checksum"] for row in rows}


def _check(done: dict[str, str], known: Sequence[Migration]) -> None:
    checksums = {m.name: m.checksum for m in known}
    for name, checksum in done.items():
        if checksums.get(name) != checksum:
            raise MigrationChanged(f"{name} was applied with other contents than its file has now")


def main(arguments: Sequence[str] | None = None) -> int:
    """Bring the database of `HEDDLE_DATABASE_URL` up to date."""
    parser = argparse.ArgumentParser(prog="python -m shared.database.migrator", description=main.__doc__)
    parser.add_argument("--phase", choices=["pre", "post"], help="only what belongs before or after a deploy")
    options = parser.parse_args(arguments)
    url = os.environ.get("HEDDLE_DATABASE_URL", "")
    if not url:
        sys.stderr.write("HEDDLE_DATABASE_URL is not set\n")
        return 2
    try:
        for name in asyncio.run(migrate(url, options.phase)):
            sys.stdout.write(f"applied {name}\n")
    except (Rejected, Unavailable) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
