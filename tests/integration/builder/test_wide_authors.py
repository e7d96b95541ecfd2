"""What a post of a wide author costs the builder: the same however many read it."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from asyncpg.connection import LoggedQuery

from shared.database.pool import Pool, create_pool
from tests.builders import parsed
from tests.integration.builder.stage import Person, Stage

LIMIT = 3
MANY = 40


@pytest.fixture
async def limited(stage: Stage, database_url: str) -> AsyncIterator[Stage]:
    """Yield a stage where few readers make an author wide, with one connection, so that it can be watched."""
    pool = await create_pool(database_url, max_size=1, application_name="test")
    yield replace(stage, pool=pool, site=replace(stage.site, fan_out_limit=LIMIT))
    await pool.close()


@contextlib.asynccontextmanager
async def _statements(pool: Pool) -> AsyncIterator[list[str]]:
    """Collect the statements made meanwhile."""
    statements: list[str] = []

    def note(record: LoggedQuery) -> None:
        statements.append(record.query)

    async with pool.acquire() as proxy:
        connection = proxy._con  # type: ignore[attr-defined]  # noqa: SLF001 - outlives the proxy
    connection.add_query_logger(note)
    try:
        yield statements
    finally:
        connection.remove_query_logger(note)


async def _rows(stage: Stage) -> dict[str, int]:
    """Return how many rows each table holds."""
    names = await stage.pool.fetch(
        "SELECT relname FROM pg_stat_user_tables WHERE relname !~ '^_' ORDER BY relname"
    )
    return {
        row["relname"]: await stage.pool.fetchval(f'SELECT count(*) FROM "{row["relname"]}"')  # noqa: S608
        for row in names
    }


async def _author_read_by(stage: Stage, readers: int) -> Person:
    author = await stage.away()
    for _ in range(readers):
        await stage.follow(await stage.here(), author)
    return author


async def _cost(stage: Stage, author: Person) -> tuple[list[str], dict[str, int]]:
    """Return the statements and the rows that one more post takes."""
    before = await _rows(stage)
    async with _statements(stage.pool) as statements:
        await stage.apply(parsed.create(parsed.note(author.uri)))
    after = await _rows(stage)
    grown = {name: after[name] - before.get(name, 0) for name in after}
    return statements, {name: rows for name, rows in grown.items() if rows}


async def test_a_post_of_a_wide_author_costs_the_same_for_few_and_many(limited: Stage) -> None:
    """Statements and rows are the same, none in a home timeline; with one reader fewer each has one."""
    few, many = await _author_read_by(limited, LIMIT), await _author_read_by(limited, MANY)
    narrow = await _author_read_by(limited, LIMIT - 1)
    for author in (few, many, narrow):
        await limited.apply(parsed.create(parsed.note(author.uri)))
    costs = [await _cost(limited, author) for author in (few, many)]
    assert costs[0] == costs[1]
    assert costs[0][1]["statuses"] == 1
    assert "home_timeline" not in costs[0][1]
    assert (await _cost(limited, narrow))[1]["home_timeline"] == LIMIT - 1


async def test_the_post_that_makes_an_author_wide_is_the_last_that_is_written(limited: Stage) -> None:
    """It stands in every follower's timeline; of the next there is the post itself and nothing at home."""
    author = await _author_read_by(limited, LIMIT)
    _, first = await _cost(limited, author)
    assert (first["home_timeline"], first["wide_authors"]) == (LIMIT, 1)
    _, then = await _cost(limited, author)
    assert (then["statuses"], then.get("home_timeline"), then.get("wide_authors")) == (1, None, None)
