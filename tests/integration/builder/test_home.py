"""Home timelines: the rule is the same on arrival, on a change of relations and on a rebuild."""

import asyncio

from services.timeline_builder import upkeep
from shared.actions.homes import fill_home
from shared.database import timelines
from tests.builders import parsed
from tests.integration.builder.stage import Person, Stage


async def test_trimmed_timeline_keeps_the_newest(stage: Stage) -> None:
    """Trimming drops what has sunk below the entries that are kept, and no more."""
    reader = await stage.here()
    kept = timelines.KEPT
    await stage.pool.execute(
        """
        INSERT INTO home_timeline (account_id, status_id, actor_id)
        SELECT $1, n, $1 FROM generate_series(1, $2::integer) n
        """,
        reader.id,
        kept + 5,
    )
    async with stage.pool.acquire() as conn:
        for share in range(4):
            await timelines.trim(conn, share, 4)
    rows = await stage.pool.fetch("SELECT status_id FROM home_timeline WHERE account_id = $1", reader.id)
    assert sorted(row["status_id"] for row in rows) == list(range(6, kept + 6))


async def _leave(stage: Stage, *accounts: Person) -> None:
    """Have accounts be away for longer than their timelines are kept."""
    await stage.pool.execute(
        "UPDATE accounts SET last_active_at = now() - interval '31 days' WHERE actor_id = ANY($1::bigint[])",
        [account.id for account in accounts],
    )
    await upkeep.once(stage.pool)


async def test_who_stays_away_costs_nothing_and_comes_back_to_everything(stage: Stage) -> None:
    """An idle account's timeline is emptied and not written; filled again it is that of one who stayed."""
    stayed, left, author = await stage.here(), await stage.here(), await stage.away()
    await stage.pool.execute("UPDATE accounts SET last_active_at = now() WHERE actor_id = $1", stayed.id)
    for reader in (stayed, left):
        await stage.follow(reader, author)
    await stage.apply(*(parsed.create(parsed.note(author.uri)) for _ in range(3)))
    await _leave(stage, left)
    await stage.apply(*(parsed.create(parsed.note(author.uri)) for _ in range(3)))
    assert await stage.home(left) == []
    assert len(await stage.home(stayed)) == 6
    async with stage.pool.acquire() as conn:
        await fill_home(conn, left.id)
    assert await stage.home(left) == await stage.home(stayed)
    await stage.apply(parsed.create(parsed.note(author.uri)))
    assert await stage.home(left) == await stage.home(stayed)
    assert len(await stage.home(left)) == 7


async def test_nothing_is_missed_while_a_timeline_is_filled(stage: Stage) -> None:
    """Posts that are applied while two visits fill a timeline are in it, each once."""
    left, author = await stage.here(), await stage.away()
    await stage.follow(left, author)

    async def visit() -> None:
        async with stage.pool.acquire() as conn:
            await fill_home(conn, left.id)

    for _ in range(5):
        await _leave(stage, left)
        posts = [stage.apply(parsed.create(parsed.note(author.uri))) for _ in range(8)]
        await asyncio.gather(*posts[:4], visit(), *posts[4:], visit())
    home = await stage.home(left)
    assert len(home) == len(set(home)) == 40
