"""Numbers for id generators, so that no two live processes make the same id."""

import asyncpg

from shared.database.pool import Connection, DatabaseUnavailable
from shared.protocol.identifiers import IdGenerator


async def id_generator(conn: Connection) -> IdGenerator:
    """Return a generator under the next worker number; the last 1,024 given out are distinct.

    Raises Unavailable while the database has not been migrated.
    """
    try:
        number: int = await conn.fetchval("SELECT nextval('worker_numbers')")
    except asyncpg.UndefinedTableError as error:
        raise DatabaseUnavailable("the database has not been migrated yet") from error
    return IdGenerator(number)
