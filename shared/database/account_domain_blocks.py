"""Servers that one account does not want to hear from."""

from collections.abc import Sequence

from msgspec import Struct

from shared.database.paging import Page
from shared.database.pool import Connection


class BlockedDomain(Struct, frozen=True):
    """A domain in a list that has ids of its own."""

    cursor: int
    domain: str


async def block(conn: Connection, block_id: int, account_id: int, domain: str) -> None:
    """Block a domain."""
    await conn.execute(
        """
        INSERT INTO account_domain_blocks (account_id, domain, id) VALUES ($1, $2, $3)
            ON CONFLICT DO NOTHING
        """,
        account_id,
        domain,
        block_id,
    )


async def unblock(conn: Connection, account_id: int, domain: str) -> None:
    """Lift the block of a domain."""
    await conn.execute(
        "DELETE FROM account_domain_blocks WHERE account_id = $1 AND domain = $2", account_id, domain
    )


async def blocks(conn: Connection, account_id: int, domain: str) -> bool:
    """Tell whether an account blocks a domain."""
    found: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM account_domain_blocks WHERE account_id = $1 AND domain = $2)",
        account_id,
        domain,
    )
    return found


async def followers_at(conn: Connection, account_id: int, domain: str) -> list[int]:
    """Return those who follow an account, or asked to, from a domain."""
    rows = await conn.fetch(
        """
        SELECT f.follower_id FROM follows f JOIN actors a ON a.id = f.follower_id
         WHERE f.followee_id = $1 AND a.domain = $2 AND NOT a.local
        """,
        account_id,
        domain,
    )
    return [row["follower_id"] for row in rows]


_PAGE = """
SELECT id AS cursor, domain FROM account_domain_blocks
 WHERE account_id = $1 AND id < $2 AND id > $3 ORDER BY id :order LIMIT $4
"""


async def of_account(conn: Connection, account_id: int, page: Page) -> Sequence[BlockedDomain]:
    """Return a page of the domains that an account blocks, the latest first."""
    rows = await conn.fetch(page.query(_PAGE), account_id, page.below, page.above, page.limit)
    return page.newest_first([BlockedDomain(row["cursor"], row["domain"]) for row in rows])
