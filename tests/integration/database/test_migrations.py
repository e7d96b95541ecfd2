"""The migrator and schema.sql."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from shared.database import migrator
from shared.database.migrator import Migration, MigrationChanged, migrate, pending
from shared.database.pool import DatabaseConflict
from shared.database.schema_dump import dump_of_migrations, dump_schema, throw_away_database
from tests.infrastructure import Infrastructure

SCHEMA = Path(migrator.__file__).parent / "schema.sql"

FIRST = Migration(name="0001_first.pre.sql", phase="pre", sql="CREATE TABLE one (id int)")
SECOND = Migration(name="0002_second.post.sql", phase="post", sql="DROP TABLE one; CREATE TABLE two (id int)")


@pytest.fixture
async def empty_url(infrastructure: Infrastructure, own_database_url: str) -> str:
    """Return the URL of a database without tables."""
    del infrastructure
    conn = await asyncpg.connect(own_database_url)
    await conn.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await conn.close()
    return own_database_url


async def _tables(url: str) -> list[str]:
    conn = await asyncpg.connect(url)
    rows = await conn.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    await conn.close()
    return [row["tablename"] for row in rows]


async def test_schema_file_is_the_sum_of_the_migrations(infrastructure: Infrastructure) -> None:
    """schema.sql says what the migrations make; `python -m shared.database.schema_dump` writes it anew."""
    assert SCHEMA.read_text("utf-8") == await dump_of_migrations(infrastructure.database_url)


async def test_schema_file_makes_the_schema(infrastructure: Infrastructure) -> None:
    """A database made from schema.sql is the one that schema.sql describes: the dump leaves nothing out."""
    text = SCHEMA.read_text("utf-8")
    async with throw_away_database(infrastructure.database_url) as conn:
        await conn.execute(text)
        assert await dump_schema(conn) == text


async def test_second_run_changes_nothing(empty_url: str) -> None:
    """Migrating again applies nothing, and says so."""
    assert await migrate(empty_url, migrations=[FIRST, SECOND]) == [FIRST.name, SECOND.name]
    assert await migrate(empty_url, migrations=[FIRST, SECOND]) == []
    assert await _tables(empty_url) == ["schema_migrations", "two"]


async def test_phases_are_applied_apart(empty_url: str) -> None:
    """Before a deploy only additions are made; what is no longer needed goes after it."""
    assert await migrate(empty_url, "pre", migrations=[FIRST, SECOND]) == [FIRST.name]
    assert await _tables(empty_url) == ["one", "schema_migrations"]
    assert await migrate(empty_url, "post", migrations=[FIRST, SECOND]) == [SECOND.name]


async def test_several_migrators_at_once_apply_each_once(empty_url: str) -> None:
    """When every replica migrates at its start, one does it and the others wait and find it done."""
    applied = await asyncio.gather(*(migrate(empty_url, migrations=[FIRST, SECOND]) for _ in range(6)))
    assert sorted(name for names in applied for name in names) == [FIRST.name, SECOND.name]


async def test_failed_migration_leaves_nothing(empty_url: str) -> None:
    """A migration that fails half-way has had no effect, and the ones before it stay."""
    broken = Migration(name="0002_b.pre.sql", phase="pre", sql="CREATE TABLE half (id int); SELECT 1/0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty_url, migrations=[FIRST, broken])
    assert await _tables(empty_url) == ["one", "schema_migrations"]


async def test_edited_migration_is_refused(empty_url: str) -> None:
    """A migration that was changed after it was applied stops the migrator before anything happens."""
    await migrate(empty_url, migrations=[FIRST])
    edited = Migration(name=FIRST.name, phase="pre", sql="CREATE TABLE other (id int)")
    with pytest.raises(MigrationChanged):
        await migrate(empty_url, migrations=[edited, SECOND])
    assert await _tables(empty_url) == ["one", "schema_migrations"]


async def test_migration_gives_up_a_lock_that_it_does_not_get(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table in use makes the migration fail soon, instead of holding up everybody behind it."""
    monkeypatch.setattr(migrator, "_LOCK_TIMEOUT", "200ms")
    await migrate(empty_url, migrations=[FIRST])
    reader = await asyncpg.connect(empty_url)
    async with reader.transaction():
        await reader.execute("SELECT * FROM one")
        with pytest.raises(DatabaseConflict):
            await migrate(empty_url, migrations=[FIRST, SECOND])
    await reader.close()


async def test_pending_names_what_is_missing(empty_url: str, own_database_url: str) -> None:
    """Before the first run every migration is pending, afterwards none."""
    assert await pending(empty_url) == [m.name for m in migrator.load_migrations()]
    await migrate(own_database_url)
    assert await pending(own_database_url) == []


def test_every_migration_says_its_phase() -> None:
    """Each file names its phase, and the numbers are in order without a gap."""
    loaded = migrator.load_migrations()
    assert {m.phase for m in loaded} <= {"pre", "post"}
    assert [int(m.name[:4]) for m in loaded] == list(range(1, len(loaded) + 1))
