"""Likes and their posts: no like is stored of what is gone, and none stays behind."""

import asyncio
from datetime import UTC, datetime

from shared.database import favourites, pruning, statuses, tombstones
from shared.database.counters import Counts
from shared.database.favourites import FavouriteRow
from shared.database.pool import Connection, Pool
from shared.database.statuses import NewStatus
from shared.protocol.identifiers import IdGenerator
from shared.protocol.objects import Visibility
from tests.infrastructure import eventually

SOMEBODY = 7
"""Likes; not one of ours, so nothing is kept for them."""


async def post(conn: Connection, ids: IdGenerator) -> int:
    """Store a post of another server to which nobody refers; return its id."""
    status_id = ids.next()
    new = NewStatus(
        id=status_id,
        uri=f"https://far.example/{status_id}",
        local=False,
        actor_id=1,
        conversation_id=status_id,
        visibility=Visibility.PUBLIC,
        created_at=datetime.now(UTC),
    )
    await statuses.insert(conn, [new])
    return status_id


def like(status_id: int) -> FavouriteRow:
    """Return a like of a post."""
    return FavouriteRow(
        id=status_id, uri=f"https://far.example/{status_id}/like", actor_id=SOMEBODY, status_id=status_id
    )


async def prune(conn: Connection, ids: IdGenerator) -> int:
    """Delete what nobody refers to; return how many posts that was."""
    gone, _ = await pruning.remove(conn, 0, ids.next(), 100)
    return gone.posts


async def likes(conn: Connection) -> int:
    """Return how many likes are stored."""
    return int(await conn.fetchval("SELECT count(*) FROM favourites"))


async def bury(conn: Connection, status_id: int) -> None:
    """Make a tombstone of a post."""
    async with conn.transaction():
        await tombstones.bury(conn, [status_id], Counts())


async def waits(conn: Connection, pid: int) -> bool:
    """Return whether another connection waits for a lock."""
    return bool(
        await conn.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND NOT granted)", pid)
    )


async def test_only_what_is_there_is_liked(conn: Connection, ids: IdGenerator) -> None:
    """Of likes that come together those of posts that are gone are left out, and the others are stored."""
    there, gone = await post(conn, ids), ids.next()

    assert await favourites.insert(conn, [like(gone), like(there)]) == {(SOMEBODY, there)}
    assert await likes(conn) == 1


async def test_likes_go_with_their_post(conn: Connection, ids: IdGenerator) -> None:
    """A post that is pruned takes its likes along."""
    await favourites.insert(conn, [like(await post(conn, ids))])

    assert await prune(conn, ids) == 1
    assert await likes(conn) == 0


async def test_what_is_being_liked_stays(pool: Pool, conn: Connection, ids: IdGenerator) -> None:
    """A post is not pruned while a transaction stores a like of it."""
    liked = await post(conn, ids)
    async with pool.acquire() as other, other.transaction():
        await favourites.insert(other, [like(liked)])

        assert await prune(conn, ids) == 0
    assert await likes(conn) == 1


async def test_what_is_liked_while_it_is_being_deleted_keeps_no_like(
    pool: Pool, conn: Connection, ids: IdGenerator
) -> None:
    """A deletion waits for who is just liking the post, and takes that like along too."""
    doomed = await post(conn, ids)
    async with pool.acquire() as other:
        pid = await other.fetchval("SELECT pg_backend_pid()")
        counts = Counts()
        counts.favourite(doomed)
        async with conn.transaction():
            await favourites.insert(conn, [like(doomed)])
            await counts.write(conn)
            burying = asyncio.create_task(bury(other, doomed))
            await eventually(lambda: waits(conn, pid), "the deletion to wait for the like")
        await burying
    assert await likes(conn) == 0


async def test_what_is_being_pruned_is_not_liked(pool: Pool, conn: Connection, ids: IdGenerator) -> None:
    """A like that meets the deletion of its post waits for it, and is not stored."""
    doomed = await post(conn, ids)
    async with pool.acquire() as other:
        pid = await other.fetchval("SELECT pg_backend_pid()")
        async with conn.transaction():
            assert await prune(conn, ids) == 1
            liking = asyncio.create_task(favourites.insert(other, [like(doomed)]))
            await eventually(lambda: waits(conn, pid), "the like to wait for its post")
        assert await liking == set()
    assert await likes(conn) == 0
