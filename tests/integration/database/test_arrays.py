"""What goes in where a statement takes an array."""

from collections import deque
from collections.abc import Collection, Iterator

import asyncpg
import pytest

from shared.database.pool import Connection

WORDS = {"one": 1, "two": 2}


@pytest.mark.parametrize(
    "given",
    [
        list(WORDS),
        tuple(WORDS),
        set(WORDS),
        frozenset(WORDS),
        deque(WORDS),
        WORDS.keys(),
        {number: word for word, number in WORDS.items()}.values(),
    ],
    ids=lambda given: type(given).__name__,
)
async def test_collections_are_arrays(conn: Connection, given: Collection[str]) -> None:
    """Whatever of Python's own holds several values goes in as an array."""
    assert await conn.fetchval("SELECT ARRAY(SELECT unnest($1::text[]) ORDER BY 1)", given) == sorted(WORDS)


async def test_arrays_of_arrays(conn: Connection) -> None:
    """Lists of lists go in as an array of two dimensions."""
    assert await conn.fetchval("SELECT $1::bigint[]", [[1, 2], [3, 4]]) == [[1, 2], [3, 4]]


async def test_a_value_is_no_array(conn: Connection) -> None:
    """One string where an array belongs is an error, not an array of its letters."""
    with pytest.raises(asyncpg.DataError):
        await conn.fetchval("SELECT $1::text[]", "one")


class _Counted:
    """Would be an array by the abstract classes."""

    def __iter__(self) -> Iterator[str]:
        return iter(WORDS)

    def __len__(self) -> int:
        return len(WORDS)


async def test_the_driver_looks_at_types(conn: Connection) -> None:
    """The driver tells arrays by their types: it no longer asks the abstract classes about each element."""
    with pytest.raises(asyncpg.DataError):
        await conn.fetchval("SELECT $1::text[]", _Counted())
