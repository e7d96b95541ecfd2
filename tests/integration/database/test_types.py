"""What a connection asks the database about the types of what goes in."""

import asyncpg
from asyncpg.connection import LoggedQuery

from shared.database.pool import connect

ARRAYS = "SELECT $1::bigint[], $2::bytea[], $3::timestamptz[]"


async def _asked(database_url: str, statement: str, *arguments: object) -> list[str]:
    """Return what a new connection runs for a statement."""
    conn = await connect(database_url, application_name="test")
    ran = list[str]()

    def note(query: LoggedQuery) -> None:
        ran.append(query.query)

    conn.add_query_logger(note)
    await conn.fetch(statement, *arguments)
    await conn.close()
    return ran


async def test_types_are_asked_about_once(database_url: str) -> None:
    """What the database said of its own types to one connection, no other one asks again."""
    await _asked(database_url, ARRAYS, [1], [b"x"], [])
    assert await _asked(database_url, ARRAYS, [1], [b"x"], []) == [ARRAYS]


async def test_types_of_a_database_are_its_own(own_database_url: str) -> None:
    """A type that somebody made is asked about on each connection: elsewhere its number means another."""
    conn = await asyncpg.connect(own_database_url)
    await conn.execute("CREATE TYPE mood AS ENUM ('glad', 'sad')")
    await conn.close()
    for _ in range(2):
        ran = await _asked(own_database_url, "SELECT $1::mood[]", ["glad"])
        assert any("typeinfo" in query for query in ran)
