"""What `fedify bench` asks of a server under test: how all deliveries stand. For tests only."""

from msgspec import Struct

from shared.database.pool import Connection


class Figures(Struct, frozen=True, kw_only=True):
    """All deliveries ever planned, and where they stand."""

    planned: int
    delivered: int
    parked: int
    dead: int


async def figures(conn: Connection) -> Figures:
    """Count the deliveries by state."""
    row = await conn.fetchrow(
        """
        SELECT count(*) AS planned,
               count(*) FILTER (WHERE state = 1) AS delivered,
               count(*) FILTER (WHERE state = 2) AS parked,
               count(*) FILTER (WHERE state = 3) AS dead
          FROM deliveries
        """
    )
    return Figures(**dict(row or {}))
