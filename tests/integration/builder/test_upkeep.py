"""Upkeep of the store by the running builder: partitions made ahead, old ones dropped."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from services.timeline_builder import upkeep
from shared.database import partitions, refusals
from shared.database.claims import Claim, claim
from shared.database.refusals import Refusal
from tests.infrastructure import eventually
from tests.integration.builder.conftest import open_stage
from tests.integration.builder.stage import Stage

AHEAD = 2
"""Days whose partitions stand before they are needed."""


async def _partitions(stage: Stage) -> set[str]:
    rows = await stage.pool.fetch(
        """
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = ANY(ARRAY['claims', 'refusals', 'outbox_sent']::regclass[])
           AND c.relname !~ '_default$'
        """
    )
    return {row["relname"] for row in rows}


def _of(days: Sequence[date]) -> set[str]:
    return {f"{table}_{day:%Y%m%d}" for table in partitions.TABLES for day in days}


async def _run_until(stage: Stage, wanted: set[str]) -> None:
    """Run the service's task until the partitions are these, then have it stop."""
    stopping = asyncio.Event()
    running = asyncio.create_task(upkeep.run(stage.pool, stage.site, stopping))

    async def reached() -> bool:
        return await _partitions(stage) == wanted

    try:
        await eventually(reached, "the partitions to be those of today and the next days")
    finally:
        stopping.set()
        await running


async def test_partitions_follow_the_calendar_however_long_it_slept(own_database_url: str) -> None:
    """Started after months away, one round drops all that is old and makes the days that come."""
    today = datetime.now(UTC).date()
    async with open_stage(own_database_url) as stage:
        for ago in (200, 100, 9):
            async with stage.pool.acquire() as conn:
                await partitions.keep_up(conn, today - timedelta(days=ago))
        assert _of([today - timedelta(days=9)]) < await _partitions(stage)
        kept = {
            f"{table}_{day:%Y%m%d}"
            for table, split in partitions.TABLES.items()
            for day in (today - timedelta(days=ago) for ago in (9, 8, 7))
            if day >= today - timedelta(days=split.kept)
        }
        await _run_until(stage, kept | _of([today + timedelta(days=ahead) for ahead in range(AHEAD + 1)]))


async def test_what_came_without_a_partition_ages_too(own_database_url: str) -> None:
    """What was claimed or refused while nobody made partitions is kept its days, then dropped."""
    async with open_stage(own_database_url) as stage, stage.pool.acquire() as conn:
        for table in await _partitions(stage):
            await conn.execute(f"DROP TABLE {table}")
        made = [
            Claim(
                hash=name,
                uri="",
                type="Like",
                actor_uri="",
                trace="",
                local=False,
                received_at=datetime.now(UTC),
            )
            for name in (b"fresh", b"stale")
        ]
        await claim(conn, made)
        await conn.execute("UPDATE claims_default SET day = day - 30 WHERE activity_hash = 'stale'")
        refusal = Refusal(activity_uri="u", actor_uri="", stage="", reason="", detail="", trace="")
        await refusals.record(conn, [refusal, refusal])
        await conn.execute("UPDATE refusals_default SET at = at - interval '30 days' WHERE ctid = '(0,1)'")
        await upkeep.once(stage.pool)
        assert await conn.fetchval("SELECT array_agg(activity_hash) FROM claims_default") == [b"fresh"]
        assert len(await refusals.of_activity(conn, "u")) == 1
        assert await claim(conn, made[:1]) == set()
