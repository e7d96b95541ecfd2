"""The schema as SQL, read from the catalog of a database: what `schema.sql` holds and a test compares.

`python -m shared.database.schema_dump > shared/database/schema.sql` applies all migrations to a throw-away
database on the server of `HEDDLE_DATABASE_URL` and prints what they make.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from shared.database.migrator import load_migrations
from shared.database.pool import Connection

HEADER = """\
-- What all migrations together make. Written by `python -m shared.database.schema_dump`; do not edit.
"""

_DROPS = 50
_PAUSE = 0.2
"""Seconds between two tries to drop a database that somebody is in."""

_SEQUENCES = """
SELECT c.relname AS name
  FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
 WHERE s.nspname = 'public' AND c.relkind = 'S'
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i'))
 ORDER BY c.relname
"""

_TABLES = """
SELECT c.oid, c.relname AS name, pg_get_partkeydef(c.oid) AS partitioned_by,
       p.relname AS partition_of, pg_get_expr(c.relpartbound, c.oid) AS bounds,
       array_to_string(c.reloptions, ', ') AS options
  FROM pg_class c
  JOIN pg_namespace s ON s.oid = c.relnamespace
  LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
  LEFT JOIN pg_class p ON p.oid = i.inhparent
 WHERE s.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname <> 'schema_migrations'
 ORDER BY p.relname IS NOT NULL, c.relname
"""

_COLUMNS = """
SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null,
       a.attidentity::text AS identity, pg_get_expr(d.adbin, d.adrelid) AS value
  FROM pg_attribute a
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum
"""

# Foreign keys come last: they name tables that may come later in the alphabet. Postgres 18 lists NOT NULL
# (n) among the constraints; that is told with the column.
_CONSTRAINTS = """
SELECT t.relname AS table_name, c.conname AS name, pg_get_constraintdef(c.oid) AS definition
  FROM pg_constraint c
  JOIN pg_class t ON t.oid = c.conrelid
  JOIN pg_namespace s ON s.oid = t.relnamespace
 WHERE s.nspname = 'public' AND c.conparentid = 0 AND c.contype <> 'n' AND NOT t.relispartition
   AND t.relname <> 'schema_migrations'
 ORDER BY c.contype = 'f', t.relname, c.conname
"""

_INDEXES = """
SELECT pg_get_indexdef(i.indexrelid) AS definition
  FROM pg_index i
  JOIN pg_class t ON t.oid = i.indrelid
  JOIN pg_namespace s ON s.oid = t.relnamespace
 WHERE s.nspname = 'public' AND NOT t.relispartition AND t.relname <> 'schema_migrations'
   AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u'))
 ORDER BY 1
"""


async def dump_schema(conn: Connection) -> str:
    """Return the SQL that makes the schema of this database anew, in an order of its own."""
    sequences = [f"CREATE SEQUENCE {row['name']};" for row in await conn.fetch(_SEQUENCES)]
    tables = [await _table(conn, row) for row in await conn.fetch(_TABLES)]
    constraints = [
        f"ALTER TABLE {row['table_name']} ADD CONSTRAINT {row['name']} {row['definition']};"
        for row in await conn.fetch(_CONSTRAINTS)
    ]
    # Without ONLY, an index on a partitioned table comes to its partitions too, as it did at first.
    indexes = [
        row["definition"].replace(" ON ONLY ", " ON ").replace("public.", "") + ";"
        for row in await conn.fetch(_INDEXES)
    ]
    parts = [*sequences, *tables, "\n".join(constraints), "\n".join(indexes)]
    return HEADER + "\n" + "\n\n".join(parts) + "\n"


async def _table(conn: Connection, row: asyncpg.Record) -> str:
    if row["partition_of"] is not None:
        return f"CREATE TABLE {row['name']} PARTITION OF {row['partition_of']} {row['bounds']};"
    columns = [_column(column) for column in await conn.fetch(_COLUMNS, row["oid"])]
    body = ",\n".join(f"    {column}" for column in columns)
    partitioned = f" PARTITION BY {row['partitioned_by']}" if row["partitioned_by"] else ""
    options = f" WITH ({row['options']})" if row["options"] else ""
    return f"CREATE TABLE {row['name']} (\n{body}\n){partitioned}{options};"


def _column(row: asyncpg.Record) -> str:
    words = [row["name"], row["type"]]
    if row["not_null"]:
        words.append("NOT NULL")
    if row["identity"]:
        words.append(f"GENERATED {'ALWAYS' if row['identity'] == 'a' else 'BY DEFAULT'} AS IDENTITY")
    elif row["value"] is not None:
        words.append(f"DEFAULT {row['value']}")
    return " ".join(words)


@asynccontextmanager
async def throw_away_database(url: str) -> AsyncIterator[Connection]:
    """Yield a connection to an empty database on this server, which is dropped afterwards."""
    name = f"heddle_schema_{os.getpid()}"
    admin = await asyncpg.connect(url)
    try:
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            conn = await asyncpg.connect(url, database=name)
            try:
                yield conn
            finally:
                await conn.close()
        finally:
            await _drop(admin, name)
    finally:
        await admin.close()


async def _drop(admin: Connection, name: str) -> None:
    for number in range(_DROPS):
        try:
            await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        except (asyncpg.ObjectInUseError, asyncpg.InsufficientPrivilegeError):
            # Who is in it may also be the server's own vacuum, which only a superuser may send away.
            if number == _DROPS - 1:
                raise
            await asyncio.sleep(_PAUSE)
        else:
            return


async def dump_of_migrations(url: str) -> str:
    """Return the schema that all migrations make."""
    async with throw_away_database(url) as conn:
        for migration in load_migrations():
            await conn.execute(migration.sql)
        return await dump_schema(conn)


if __name__ == "__main__":
    sys.stdout.write(asyncio.run(dump_of_migrations(os.environ["HEDDLE_DATABASE_URL"])))
