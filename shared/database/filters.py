"""Filters: words and posts that an account does not want to see, or not without a warning."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import IntEnum

from asyncpg import Record
from msgspec import Struct

from shared.database.pool import Connection


class Action(IntEnum):
    """What a client does with what matches."""

    WARN = 0
    HIDE = 1
    BLUR = 2


class Keyword(Struct, frozen=True):
    """A word or phrase; a whole one is not found inside of longer words."""

    id: int
    keyword: str
    whole_word: bool


class FilteredPost(Struct, frozen=True):
    """A post named by a filter; `id` is that of the naming."""

    id: int
    status_id: int


class FilterRow(Struct, frozen=True, kw_only=True):
    """A filter with all that it looks for, the oldest first."""

    id: int
    account_id: int
    title: str
    contexts: tuple[str, ...]
    action: Action
    irreversible: bool
    expires_at: datetime | None
    keywords: tuple[Keyword, ...] = ()
    posts: tuple[FilteredPost, ...] = ()


_SELECT = """
SELECT f.*,
       ARRAY(SELECT k.id FROM filter_keywords k WHERE k.filter_id = f.id ORDER BY k.id) AS keyword_ids,
       ARRAY(SELECT k.keyword FROM filter_keywords k WHERE k.filter_id = f.id ORDER BY k.id) AS keywords,
       ARRAY(SELECT k.whole_word FROM filter_keywords k WHERE k.filter_id = f.id ORDER BY k.id) AS whole,
       ARRAY(SELECT p.id FROM filter_statuses p WHERE p.filter_id = f.id ORDER BY p.id) AS post_ids,
       ARRAY(SELECT p.status_id FROM filter_statuses p WHERE p.filter_id = f.id ORDER BY p.id) AS posts
  FROM filters f
"""


def _filter_of(row: Record) -> FilterRow:
    return FilterRow(
        id=row["id"],
        account_id=row["account_id"],
        title=row["title"],
        contexts=tuple(row["contexts"]),
        action=Action(row["action"]),
        irreversible=row["irreversible"],
        expires_at=row["expires_at"],
        keywords=tuple(map(Keyword, row["keyword_ids"], row["keywords"], row["whole"])),
        posts=tuple(map(FilteredPost, row["post_ids"], row["posts"])),
    )


async def of_account(conn: Connection, account_id: int) -> list[FilterRow]:
    """Return an account's filters, expired ones too, the oldest first."""
    rows = await conn.fetch(f"{_SELECT} WHERE f.account_id = $1 ORDER BY f.id", account_id)
    return [_filter_of(row) for row in rows]


async def in_force(conn: Connection, account_ids: Collection[int]) -> Sequence[FilterRow]:
    """Return those filters of these accounts that are not expired."""
    rows = await conn.fetch(
        f"""
        {_SELECT} WHERE f.account_id = ANY($1::bigint[]) AND (f.expires_at IS NULL OR f.expires_at > now())
         ORDER BY f.id
        """,
        list(account_ids),
    )
    return [_filter_of(row) for row in rows]


async def lock(conn: Connection, account_id: int) -> None:
    """Have changes to an account's filters wait for each other until the end of the transaction."""
    await conn.execute("SELECT FROM accounts WHERE actor_id = $1 FOR UPDATE", account_id)


async def save(conn: Connection, row: FilterRow) -> None:
    """Store a filter as it is now, without what it looks for."""
    await conn.execute(
        """
        INSERT INTO filters (id, account_id, title, contexts, action, irreversible, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (id) DO UPDATE
            SET title = excluded.title, contexts = excluded.contexts, action = excluded.action,
                irreversible = excluded.irreversible, expires_at = excluded.expires_at
        """,
        row.id,
        row.account_id,
        row.title,
        row.contexts,
        row.action,
        row.irreversible,
        row.expires_at,
    )


async def save_keywords(conn: Connection, filter_id: int, keywords: Sequence[Keyword]) -> None:
    """Store keywords, new ones and changed ones."""
    await conn.execute(
        """
        INSERT INTO filter_keywords (id, filter_id, keyword, whole_word)
        SELECT n.id, $1, n.keyword, n.whole_word
          FROM unnest($2::bigint[], $3::text[], $4::boolean[]) AS n (id, keyword, whole_word)
            ON CONFLICT (id) DO UPDATE SET keyword = excluded.keyword, whole_word = excluded.whole_word
        """,
        filter_id,
        [one.id for one in keywords],
        [one.keyword for one in keywords],
        [one.whole_word for one in keywords],
    )


async def delete_keywords(conn: Connection, keyword_ids: Collection[int]) -> None:
    """Take keywords out of their filters."""
    await conn.execute("DELETE FROM filter_keywords WHERE id = ANY($1::bigint[])", list(keyword_ids))


async def add_post(conn: Connection, filter_id: int, post: FilteredPost) -> bool:
    """Have a filter name a post; tell whether it did not before."""
    done = await conn.execute(
        """
        INSERT INTO filter_statuses (id, filter_id, status_id) VALUES ($1, $2, $3)
            ON CONFLICT (filter_id, status_id) DO NOTHING
        """,
        post.id,
        filter_id,
        post.status_id,
    )
    return bool(done == "INSERT 0 1")


async def delete_post(conn: Connection, post_id: int) -> None:
    """Have a filter name a post no more."""
    await conn.execute("DELETE FROM filter_statuses WHERE id = $1", post_id)


async def delete(conn: Connection, filter_id: int) -> None:
    """Delete a filter with all that it looks for."""
    await conn.execute("DELETE FROM filters WHERE id = $1", filter_id)


async def note(conn: Connection, account_id: int) -> None:
    """Write down on the account whether it has filters at all."""
    await conn.execute(
        """
        UPDATE accounts SET filtering = NOT filtering
         WHERE actor_id = $1
           AND filtering <> (SELECT count(*) > 0 FROM filters WHERE account_id = $1)
        """,
        account_id,
    )
