"""Lists: made, changed and filled by their owner; what an exclusive one holds leaves the home timeline."""

from collections.abc import Collection

from shared.actions.errors import NotPossible, NotThere
from shared.actions.site import Site
from shared.database import lists as table
from shared.database import timelines
from shared.database.authors import Author
from shared.database.lists import ListRow, Replies
from shared.database.pool import Connection

MOST_LISTS = 50
MOST_MEMBERS = 500
LONGEST_TITLE = 256


async def require_list(conn: Connection, author: Author, list_id: int) -> ListRow:
    """Return a list of the author's; raises NotThere where there is none."""
    row = await table.one(conn, author.id, list_id)
    if row is None:
        raise NotThere("Record not found")
    return row


async def create(
    conn: Connection, site: Site, author: Author, title: str, replies: Replies, *, exclusive: bool
) -> ListRow:
    """Make an empty list; raises NotPossible for a bad title or one list too many."""
    row = ListRow(
        id=site.ids.next(),
        account_id=author.id,
        title=_checked(title),
        replies=replies,
        exclusive=exclusive,
    )
    if not await table.insert(conn, row, MOST_LISTS):
        raise NotPossible(f"You have reached the limit of {MOST_LISTS} lists")
    return row


async def change(
    conn: Connection,
    author: Author,
    list_id: int,
    *,
    title: str | None = None,
    replies: Replies | None = None,
    exclusive: bool | None = None,
) -> ListRow:
    """Change what is given of a list; call it inside a transaction.

    Raises:
        NotThere: The author has no such list.
        NotPossible: The title is empty or too long.
    """
    before = await require_list(conn, author, list_id)
    after = ListRow(
        id=before.id,
        account_id=before.account_id,
        title=before.title if title is None else _checked(title),
        replies=before.replies if replies is None else replies,
        exclusive=before.exclusive if exclusive is None else exclusive,
    )
    await table.update(conn, after)
    if before.exclusive is not after.exclusive:
        await _reflect(conn, author, await table.member_ids(conn, list_id))
    return after


async def delete(conn: Connection, author: Author, list_id: int) -> None:
    """Delete a list; call it inside a transaction. Raises NotThere."""
    row = await require_list(conn, author, list_id)
    members = await table.member_ids(conn, list_id) if row.exclusive else []
    await table.delete(conn, list_id)
    await _reflect(conn, author, members)


async def add(conn: Connection, site: Site, author: Author, list_id: int, actor_ids: Collection[int]) -> None:
    """Put actors into a list; call it inside a transaction.

    Raises:
        NotThere: There is no such list, or the author neither follows one of them nor asked to.
        NotPossible: One of them is there already, or there would be too many.
    """
    row = await require_list(conn, author, list_id)
    there = set(await table.member_ids(conn, list_id))
    wanted = sorted(set(actor_ids))
    if there.intersection(wanted):
        raise NotPossible("Account has already been taken")
    if len(there) + len(wanted) > MOST_MEMBERS:
        raise NotPossible(f"A list has at most {MOST_MEMBERS} members")
    if await table.add(conn, row, [(site.ids.next(), actor_id) for actor_id in wanted]) < len(wanted):
        raise NotThere("Record not found")
    if row.exclusive:
        await _reflect(conn, author, wanted)


async def take_out(conn: Connection, author: Author, list_id: int, actor_ids: Collection[int]) -> None:
    """Take actors out of a list; call it inside a transaction. Raises NotThere."""
    row = await require_list(conn, author, list_id)
    await table.take_out(conn, list_id, actor_ids)
    if row.exclusive:
        await _reflect(conn, author, actor_ids)


def _checked(title: str) -> str:
    title = title.strip()
    if not title:
        raise NotPossible("Title can't be blank")
    if len(title) > LONGEST_TITLE:
        raise NotPossible(f"Title is too long (maximum is {LONGEST_TITLE} characters)")
    return title


async def _reflect(conn: Connection, author: Author, actor_ids: Collection[int]) -> None:
    """Have the author's home timeline show or leave out those whose lists have changed."""
    if actor_ids and await table.note_exclusive(conn, author.id, actor_ids):
        await timelines.prune(conn, [author.id])
        await timelines.extend(conn, [author.id])
