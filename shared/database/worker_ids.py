"""Numbers for id generators, so that no two live processes make the same id."""

from shared.database.pool import Connection
from shared.protocol.identifiers import IdGenerator


async def id_generator(conn: Connection) -> IdGenerator:
    """Return a generator under the next worker number; the last 1,024 given out are distinct."""
    number: int = await conn.fetchval("SELECT nextval('worker_numbers')")
    return IdGenerator(number)
