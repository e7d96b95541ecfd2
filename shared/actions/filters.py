"""Filters: made and changed by their owner, within bounds that keep looking for them cheap."""

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

from msgspec import structs

from shared.actions.errors import NotPossible, NotThere
from shared.actions.site import Site
from shared.database import filters as table
from shared.database.authors import Author
from shared.database.filters import FilteredPost, FilterRow, Keyword
from shared.database.pool import Connection
from shared.database.visible import visible_to

T = TypeVar("T")

CONTEXTS: Final = ("home", "notifications", "public", "thread", "account")
MOST_FILTERS = 100
MOST_KEYWORDS = 400
"""Words over all filters of an account: each is looked for in each post that is shown."""

MOST_POSTS = 1000
LONGEST_KEYWORD = 200
LONGEST_TITLE = 256


async def mine(conn: Connection, author: Author) -> list[FilterRow]:
    """Return the author's filters."""
    return await table.of_account(conn, author.id)


async def require_filter(conn: Connection, author: Author, filter_id: int) -> FilterRow:
    """Return a filter of the author's; raises NotThere."""
    return _first(one for one in await mine(conn, author) if one.id == filter_id)


async def with_keyword(conn: Connection, author: Author, keyword_id: int) -> tuple[FilterRow, Keyword]:
    """Return a keyword of the author's and its filter; raises NotThere."""
    return _first(
        (row, one) for row in await mine(conn, author) for one in row.keywords if one.id == keyword_id
    )


async def with_post(conn: Connection, author: Author, post_id: int) -> tuple[FilterRow, FilteredPost]:
    """Return the naming of a post by a filter of the author's, and that filter; raises NotThere."""
    return _first((row, one) for row in await mine(conn, author) for one in row.posts if one.id == post_id)


async def save(
    conn: Connection,
    author: Author,
    row: FilterRow,
    keywords: Sequence[Keyword] = (),
    gone: Sequence[int] = (),
) -> FilterRow:
    """Make or change a filter; call it inside a transaction.

    Args:
        conn: In a transaction.
        author: Whose filter it is.
        row: The filter as it should be, but for its keywords.
        keywords: New and changed ones.
        gone: Ids of keywords of this filter that are taken out first.

    Raises:
        NotPossible: A text is empty or too long, a context unknown, or there would be too much.
        NotThere: A keyword that should change is not one of this filter.
    """
    await table.lock(conn, author.id)
    row = structs.replace(row, title=_checked("Title", row.title, LONGEST_TITLE), contexts=_contexts(row))
    keywords = [
        structs.replace(one, keyword=_checked("Keyword", one.keyword, LONGEST_KEYWORD)) for one in keywords
    ]
    before = await mine(conn, author)
    others = [one for one in before if one.id != row.id]
    kept = {one.id for found in before if found.id == row.id for one in found.keywords}.difference(gone)
    _bounded(len(others) + 1, MOST_FILTERS, "filters")
    now = len(kept.union(one.id for one in keywords)) + sum(len(one.keywords) for one in others)
    _bounded(now, MOST_KEYWORDS, "keywords")
    await table.save(conn, row)
    await table.delete_keywords(conn, gone)
    await table.save_keywords(conn, row.id, keywords)
    await table.note(conn, author.id)
    return await require_filter(conn, author, row.id)


async def delete(conn: Connection, author: Author, filter_id: int) -> None:
    """Delete a filter; call it inside a transaction. Raises NotThere."""
    await table.lock(conn, author.id)
    await require_filter(conn, author, filter_id)
    await table.delete(conn, filter_id)
    await table.note(conn, author.id)


async def delete_keyword(conn: Connection, author: Author, keyword_id: int, *, whole: bool) -> None:
    """Take a keyword out of its filter; call it inside a transaction.

    Args:
        conn: In a transaction.
        author: Whose filter it is.
        keyword_id: Which keyword.
        whole: Delete the filter with it where nothing is left to look for.

    Raises:
        NotThere: There is no such keyword.
    """
    await table.lock(conn, author.id)
    row, _ = await with_keyword(conn, author, keyword_id)
    await table.delete_keywords(conn, [keyword_id])
    if whole and len(row.keywords) == 1 and not row.posts:
        await delete(conn, author, row.id)


async def add_post(
    conn: Connection, site: Site, author: Author, filter_id: int, status_id: int
) -> FilteredPost:
    """Have a filter name a post; call it inside a transaction.

    Raises:
        NotThere: There is no such filter, or no such post for the author.
        NotPossible: It is named already, or too many are.
    """
    await table.lock(conn, author.id)
    row = await require_filter(conn, author, filter_id)
    if status_id not in await visible_to(conn, author.id, [status_id]):
        raise NotThere("Record not found")
    _bounded(len(row.posts) + 1, MOST_POSTS, "posts in a filter")
    post = FilteredPost(site.ids.next(), status_id)
    if not await table.add_post(conn, filter_id, post):
        raise NotPossible("Status has already been taken")
    return post


async def delete_post(conn: Connection, author: Author, post_id: int) -> None:
    """Have a filter name a post no more; raises NotThere."""
    await with_post(conn, author, post_id)
    await table.delete_post(conn, post_id)


def _first(found: Iterable[T]) -> T:
    for one in found:
        return one
    raise NotThere("Record not found")


def _checked(name: str, text: str, most: int) -> str:
    text = text.strip()
    if not text:
        raise NotPossible(f"{name} can't be blank")
    if len(text) > most:
        raise NotPossible(f"{name} is too long (maximum is {most} characters)")
    return text


def _contexts(row: FilterRow) -> tuple[str, ...]:
    if not row.contexts or not set(row.contexts).issubset(CONTEXTS):
        raise NotPossible("Context must be one or more of " + ", ".join(CONTEXTS))
    return tuple(dict.fromkeys(row.contexts))


def _bounded(count: int, most: int, what: str) -> None:
    if count > most:
        raise NotPossible(f"You have reached the limit of {most} {what}")
