"""Home timelines: the rule is the same on arrival, on a change of relations and on a rebuild."""

import asyncio
import random

from services.timeline_builder import upkeep
from shared.actions.homes import fill_home
from shared.database import mutes, timelines
from shared.protocol.activities import Activity
from tests.builders import parsed
from tests.integration.builder.stage import Person, Stage
from tests.integration.builder.test_reactions import local_post


async def _rebuilt(stage: Stage, account: Person) -> list[str]:
    async with stage.pool.acquire() as conn, conn.transaction():
        await timelines.clear(conn, account.id)
        await timelines.refill(conn, account.id)
    return await stage.home(account)


async def test_rebuilt_timeline_is_the_same(stage: Stage) -> None:
    """After any mixture of posts, replies, boosts, follows, mutes and blocks a rebuild changes nothing."""
    chance = random.Random(7)  # one fixed mixture
    entries = 0
    for _ in range(6):
        reader = await stage.here()
        others = [await stage.away() for _ in range(4)] + [await stage.here()]
        for other in others[:2]:
            await stage.follow(reader, other)
        seen = [await local_post(stage, reader), await local_post(stage, others[4])]
        for _ in range(60):
            await _something(stage, chance, reader, others, seen)
        home = await stage.home(reader)
        assert home == await _rebuilt(stage, reader)
        entries += len(home)
    assert entries > 30


async def _something(
    stage: Stage, chance: random.Random, reader: Person, others: list[Person], seen: list[str]
) -> None:
    other = chance.choice(others)
    remote = chance.choice(others[:4])
    match chance.randrange(12):
        case 0 | 1 | 2 | 3 | 4:
            note = parsed.note(remote.uri, in_reply_to=chance.choice([None, chance.choice(seen)]))
            seen.append(note.id)
            await stage.apply(parsed.create(note))
        case 5 | 6:
            await stage.apply(parsed.announce(chance.choice(seen), remote.uri))
        case 7:
            await _change_follow(stage, reader, other)
        case 8:
            async with stage.pool.acquire() as conn:
                await mutes.mute(conn, stage.site.ids.next(), reader.id, other.id, notifications=True)
                await timelines.prune(conn, [reader.id])
        case 9 | 10:
            async with stage.pool.acquire() as conn:
                await mutes.unmute(conn, reader.id, other.id)
                await timelines.extend(conn, [(reader.id, other.id)])
        case _:
            await stage.apply(parsed.delete(chance.choice(seen), remote.uri))


async def _change_follow(stage: Stage, reader: Person, other: Person) -> None:
    if await stage.follows(reader, other) is None:
        follow_id = await stage.ask_to_follow(reader, other)
        answer: Activity = parsed.accept(parsed.follow(reader.uri, other.uri, id=follow_id))
    else:
        asked = parsed.follow(reader.uri, other.uri)
        answer = parsed.undo(asked)
    await stage.apply(parsed.accepted(answer, local=answer.actor.startswith(stage.site.uris.origin)))


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
