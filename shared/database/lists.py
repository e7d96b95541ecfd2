"""Lists: some of those whom an account follows, read apart."""

from collections.abc import Collection, Sequence
from enum import IntEnum

from asyncpg import Record
from msgspec import Struct

from shared.database.api_relations import Listed
from shared.database.paging import Page
from shared.database.pool import Connection


class Replies(IntEnum):
    """Which answers of members to others a list shows: to anybody its owner follows, to members, none."""

    FOLLOWED = 0
    LIST = 1
    NONE = 2


class ListRow(Struct, frozen=True, kw_only=True):
    """A list; the posts of an exclusive one's members stay out of the home timeline."""

    id: int
    account_id: int
    title: str
    replies: Replies
    exclusive: bool


def _list_of(row: Record) -> ListRow:
    return ListRow(
        id=row["id"],
        account_id=row["account_id"],
        title=row["title"],
        replies=Replies(row["replies_policy"]),
        exclusive=row["exclusive"],
    )


async def insert(conn: Connection, row: ListRow, most: int) -> bool:
    """Store a list, unless its owner has `most` already; tell whether it was stored."""
    done = await conn.execute(
        """
        INSERT INTO lists (id, account_id, title, replies_policy, exclusive)
        SELECT $1, $2, $3, $4, $5 WHERE (SELECT count(*) FROM lists WHERE account_id = $2) < $6
        """,
        row.id,
        row.account_id,
        row.title,
        row.replies,
        row.exclusive,
        most,
    )
    return bool(done == "INSERT 0 1")


async def update(conn: Connection, row: ListRow) -> None:
    """Change a list."""
    await conn.execute(
        "UPDATE lists SET title = $2, replies_policy = $3, exclusive = $4 WHERE id = $1",
        row.id,
        row.title,
        row.replies,
        row.exclusive,
    )


async def delete(conn: Connection, list_id: int) -> None:
    """Delete a list, with its memberships."""
    await conn.execute("DELETE FROM lists WHERE id = $1", list_id)


async def of_account(conn: Connection, account_id: int) -> Sequence[ListRow]:
    """Return an account's lists, the oldest first."""
    rows = await conn.fetch("SELECT * FROM lists WHERE account_id = $1 ORDER BY id", account_id)
    return [_list_of(row) for row in rows]


async def one(conn: Connection, account_id: int, list_id: int) -> ListRow | None:
    """Return one list of an account."""
    row = await conn.fetchrow("SELECT * FROM lists WHERE id = $1 AND account_id = $2", list_id, account_id)
    return None if row is None else _list_of(row)


async def containing(conn: Connection, account_id: int, actor_id: int) -> Sequence[ListRow]:
    """Return those of an account's lists that hold an actor."""
    rows = await conn.fetch(
        """
        SELECT l.* FROM list_members m JOIN lists l ON l.id = m.list_id
         WHERE m.account_id = $1 AND m.actor_id = $2 ORDER BY l.id
        """,
        account_id,
        actor_id,
    )
    return [_list_of(row) for row in rows]


async def add(conn: Connection, row: ListRow, members: Sequence[tuple[int, int]]) -> int:
    """Put (membership id, actor) into a list, if the owner follows them or asked to; return how many."""
    done = await conn.execute(
        """
        INSERT INTO list_members (list_id, actor_id, account_id, id)
        SELECT $1, f.followee_id, f.follower_id, n.id
          FROM unnest($3::bigint[], $4::bigint[]) AS n (id, actor_id)
          JOIN follows f ON f.follower_id = $2 AND f.followee_id = n.actor_id
            ON CONFLICT DO NOTHING
        """,
        row.id,
        row.account_id,
        [member_id for member_id, _ in members],
        [actor_id for _, actor_id in members],
    )
    return int(done.rpartition(" ")[2])


async def take_out(conn: Connection, list_id: int, actor_ids: Collection[int]) -> None:
    """Take actors out of a list."""
    await conn.execute(
        "DELETE FROM list_members WHERE list_id = $1 AND actor_id = ANY($2::bigint[])",
        list_id,
        list(actor_ids),
    )


async def member_ids(conn: Connection, list_id: int) -> list[int]:
    """Return all members of a list."""
    rows = await conn.fetch("SELECT actor_id FROM list_members WHERE list_id = $1", list_id)
    return [row["actor_id"] for row in rows]


_MEMBERS = """
SELECT m.id AS cursor, m.actor_id FROM list_members m JOIN actors a ON a.id = m.actor_id
 WHERE m.list_id = $1 AND m.id < $2 AND m.id > $3 AND a.deleted_at IS NULL AND a.suspended_at IS NULL
 ORDER BY m.id :order LIMIT $4
"""


async def members(conn: Connection, list_id: int, page: Page) -> Sequence[Listed]:
    """Return a page of a list's members, the latest first."""
    rows = await conn.fetch(page.query(_MEMBERS), list_id, page.below, page.above, page.limit)
    return page.newest_first([Listed(row["cursor"], row["actor_id"]) for row in rows])


async def note_exclusive(conn: Connection, account_id: int, actor_ids: Collection[int]) -> bool:
    """Write down on follows whether an exclusive list holds the followee; tell whether that changed."""
    done = await conn.execute(
        """
        UPDATE follows f SET exclusive = NOT f.exclusive
         WHERE f.follower_id = $1 AND f.followee_id = ANY($2::bigint[])
           AND f.exclusive <> EXISTS (SELECT FROM list_members m JOIN lists l ON l.id = m.list_id
                                       WHERE m.account_id = $1 AND m.actor_id = f.followee_id
                                         AND l.exclusive)
        """,
        account_id,
        list(actor_ids),
    )
    return bool(done != "UPDATE 0")
