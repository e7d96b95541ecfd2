"""Who is deleted, or suspended by the operator, is in nobody's list, and owns none."""

from shared.actions import lists
from shared.database import account_states
from shared.database import lists as table
from shared.database.authors import Author, author_by_name
from shared.database.lists import Replies
from shared.database.paging import Page
from tests.builders import parsed
from tests.integration.builder.stage import Person, Stage


async def _author(stage: Stage, person: Person) -> Author:
    async with stage.pool.acquire() as conn:
        name = await conn.fetchval("SELECT username FROM actors WHERE id = $1", person.id)
        author = await author_by_name(conn, name)
    assert author is not None
    return author


async def _list_of(stage: Stage, owner: Person, *members: Person) -> int:
    """Have somebody follow others and put them into an exclusive list."""
    author = await _author(stage, owner)
    for member in members:
        await stage.follow(owner, member)
    async with stage.pool.acquire() as conn, conn.transaction():
        row = await lists.create(conn, stage.site, author, "apart", Replies.LIST, exclusive=True)
        await lists.add(conn, stage.site, author, row.id, [member.id for member in members])
    return row.id


async def _members(stage: Stage, list_id: int) -> set[int]:
    async with stage.pool.acquire() as conn:
        return {one.actor_id for one in await table.members(conn, list_id, Page(limit=40))}


async def _count(stage: Stage, query: str, *arguments: object) -> int:
    return int(await stage.pool.fetchval(query, *arguments))


async def test_who_is_deleted_is_in_no_list(stage: Stage) -> None:
    """A remote or a local account that ends leaves every list; the others stay in it."""
    owner, far, near, stays = await stage.here(), await stage.away(), await stage.here(), await stage.away()
    list_id = await _list_of(stage, owner, far, near, stays)
    assert await _members(stage, list_id) == {far.id, near.id, stays.id}
    await stage.apply(parsed.delete(far.uri, far.uri))
    await stage.apply(parsed.accepted(parsed.delete(near.uri, near.uri), local=True))
    assert await _members(stage, list_id) == {stays.id}
    kept = "SELECT count(*) FROM list_members WHERE list_id = $1"
    assert await _count(stage, kept, list_id) == 1


async def test_who_is_deleted_owns_no_list(stage: Stage) -> None:
    """The lists of a local account that ends go with it, and so do their members; other lists stay."""
    owner, other, member = await stage.here(), await stage.here(), await stage.away()
    gone, kept = await _list_of(stage, owner, member), await _list_of(stage, other, member)
    await stage.apply(parsed.accepted(parsed.delete(owner.uri, owner.uri), local=True))
    left = "SELECT count(*) FROM lists l JOIN list_members m ON m.list_id = l.id WHERE l.id = $1"
    assert [await _count(stage, left, list_id) for list_id in (gone, kept)] == [0, 1]
    assert await _count(stage, "SELECT count(*) FROM list_members WHERE account_id = $1", owner.id) == 0


async def test_who_is_suspended_is_shown_in_no_list(stage: Stage) -> None:
    """Suspension is not an end: the member is not shown while it lasts."""
    owner, member, stays = await stage.here(), await stage.here(), await stage.here()
    list_id = await _list_of(stage, owner, member, stays)
    async with stage.pool.acquire() as conn:
        assert await account_states.suspend(conn, member.id)
    assert await _members(stage, list_id) == {stays.id}
