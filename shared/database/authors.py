"""The local account that acts: what a write needs to know of it."""

from collections.abc import Collection
from datetime import datetime

from asyncpg import Record
from msgspec import Struct

from shared.database.homes import HomeState
from shared.database.pool import Connection
from shared.protocol.objects import QuotePolicy, Visibility


class Author(Struct, frozen=True, kw_only=True):
    """A local account as the author of what it does.

    `federated` says whether any of it leaves the site, `filtering` whether the account has filters.
    """

    id: int
    uri: str
    username: str
    domain: str
    followers_uri: str
    locked: bool
    federated: bool
    default_visibility: Visibility
    default_sensitive: bool
    default_language: str | None
    last_active_at: datetime | None
    home_state: HomeState = HomeState.KEPT
    default_quote_policy: QuotePolicy = QuotePolicy.PUBLIC
    filtering: bool = False


AUTHOR_COLUMNS = """
       a.id AS author_id, a.uri AS author_uri, a.username AS author_username, a.domain AS author_domain,
       a.followers_uri AS author_followers_uri, a.locked AS author_locked, c.federated AS author_federated,
       c.default_visibility, c.default_sensitive, c.default_language, c.last_active_at, c.home_state,
       c.default_quote_policy, c.filtering
"""
"""What `author_of` reads, from `actors a` joined with `accounts c`."""


def author_of(row: Record) -> Author:
    """Return the author in a row that has `AUTHOR_COLUMNS`."""
    return Author(
        id=row["author_id"],
        uri=row["author_uri"],
        username=row["author_username"],
        domain=row["author_domain"],
        followers_uri=row["author_followers_uri"],
        locked=row["author_locked"],
        federated=row["author_federated"],
        default_visibility=Visibility(row["default_visibility"]),
        default_sensitive=row["default_sensitive"],
        default_language=row["default_language"],
        last_active_at=row["last_active_at"],
        home_state=HomeState(row["home_state"]),
        default_quote_policy=QuotePolicy(row["default_quote_policy"]),
        filtering=row["filtering"],
    )


_BY_NAME = f"""
SELECT {AUTHOR_COLUMNS}
  FROM actors a
  JOIN accounts c ON c.actor_id = a.id
 WHERE lower(a.username) = lower($1) AND a.local AND a.deleted_at IS NULL AND a.suspended_at IS NULL
"""  # noqa: S608 - a constant list of columns


async def author_by_name(conn: Connection, username: str) -> Author | None:
    """Return the active local account of this name."""
    row = await conn.fetchrow(_BY_NAME, username)
    return None if row is None else author_of(row)


_BY_IDS = f"""
SELECT {AUTHOR_COLUMNS}
  FROM actors a
  JOIN accounts c ON c.actor_id = a.id
 WHERE a.id = ANY($1::bigint[]) AND a.local AND a.deleted_at IS NULL AND a.suspended_at IS NULL
"""  # noqa: S608 - a constant list of columns


async def authors_by_ids(conn: Connection, account_ids: Collection[int]) -> list[Author]:
    """Return those of these accounts that are active."""
    rows = await conn.fetch(_BY_IDS, list(account_ids)) if account_ids else []
    return [author_of(row) for row in rows]


async def touch(conn: Connection, account_id: int) -> None:
    """Note that an account is in use; its home timeline is kept for as long as it is."""
    await conn.execute("UPDATE accounts SET last_active_at = now() WHERE actor_id = $1", account_id)
