"""Refusals at the inbox are kept for a look, within bounds."""

from collections.abc import Sequence
from functools import partial

import asyncpg
import pytest

from services.inbox_receiver.journal import Journal, Room
from shared.database import refusals
from shared.database.pool import Connection
from shared.database.refusals import Refusal
from shared.telemetry import metrics
from tests.infrastructure import eventually
from tests.integration.receiver.inbox import activity, receiving, signed, without


async def count_of(database_url: str) -> int:
    """Return how many refusals are kept."""
    connection = await asyncpg.connect(database_url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM refusals"))
    finally:
        await connection.close()


def unrecorded() -> float:
    """Return how many refusals this process has given up."""
    [family] = metrics.refusals_unrecorded.collect()
    return next(sample.value for sample in family.samples if sample.name.endswith("_total"))


async def test_a_refusal_is_kept_under_its_activity(broker_url: str, own_database_url: str) -> None:
    """What was refused, why, and under which trace stands in the database soon after."""
    body = activity()
    async with receiving(broker_url, own_database_url) as inbox:
        answer = await inbox.post(body, without(signed(body), "Signature"))

        async def kept() -> bool:
            return await count_of(own_database_url) == 1

        await eventually(kept, "the refusal to be kept")
    connection = await asyncpg.connect(own_database_url)
    row = await connection.fetchrow("SELECT * FROM refusals")
    await connection.close()
    assert row is not None
    assert (row["activity_uri"], row["stage"]) == ("https://remote.example/activities/1", "receiver")
    assert (row["reason"], row["trace"]) == ("signature_missing", answer.problem["trace"])


async def test_a_flood_does_not_fill_the_database(own_database_url: str) -> None:
    """However much is refused at once, a bounded number of rows is written."""
    async with Journal(own_database_url, activities=Room(0, 50)) as journal:
        for number in range(5000):
            journal.note(
                activity=f"https://a.example/{number}", actor="", reason="x", detail="\0é", trace="t"
            )

        async def written() -> bool:
            return await count_of(own_database_url) == 50

        await eventually(written, "fifty rows")
    assert await count_of(own_database_url) == 50


async def test_a_flood_of_other_requests_crowds_out_no_activity(own_database_url: str) -> None:
    """However many requests are turned away at the door, the refusal of an activity is written down."""
    async with Journal(own_database_url, others=Room(0, 5)) as journal:
        for number in range(2000):
            journal.note(activity="", actor="", reason="x", detail="", trace=f"{number}", other=True)
        journal.note(activity="https://a.example/1", actor="", reason="x", detail="", trace="t")
    assert await count_of(own_database_url) == 6


async def test_every_request_that_is_turned_away_is_kept(broker_url: str, own_database_url: str) -> None:
    """A request that cannot be an activity is found by the trace that its sender was told, too."""
    body = activity()
    async with receiving(broker_url, own_database_url) as inbox:
        answer = await inbox.post(body, signed(body), path="/nowhere")
        assert answer.status == 404

        async def kept() -> bool:
            return await count_of(own_database_url) == 1

        await eventually(kept, "the refusal to be kept")
    connection = await asyncpg.connect(own_database_url)
    try:
        [row] = await refusals.of_activity(connection, str(answer.problem["trace"]))
    finally:
        await connection.close()
    assert (row.reason, row.trace) == ("not_an_inbox", answer.problem["trace"])


async def test_what_comes_while_others_are_written_is_kept(
    own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal that is noted while the database takes others in is written with the next ones."""
    record = refusals.record

    async def slowly(conn: Connection, batch: Sequence[Refusal]) -> None:
        await record(conn, batch)
        if len(batch) == 1:
            note(activity="between")
            note(activity="and another")

    monkeypatch.setattr(refusals, "record", slowly)
    async with Journal(own_database_url) as journal:
        note = partial(journal.note, actor="", reason="x", detail="", trace="t")
        note(activity="first")

        async def kept() -> bool:
            return await count_of(own_database_url) == 3

        await eventually(kept, "all three refusals")


async def test_a_stop_writes_what_waits(own_database_url: str) -> None:
    """What was noted just before the stop is in the database after it."""
    async with Journal(own_database_url) as journal:
        for number in range(3):
            journal.note(activity=f"https://a.example/{number}", actor="", reason="x", detail="", trace="t")
    assert await count_of(own_database_url) == 3


async def test_what_the_database_does_not_take_stops_nothing(own_database_url: str) -> None:
    """A refusal that cannot be written is counted, and the next one is kept."""
    before = unrecorded()
    async with Journal(own_database_url) as journal:
        journal.note(activity="a", actor="\0", reason="x", detail="", trace="t")

        async def counted() -> bool:
            return unrecorded() == before + 1

        await eventually(counted, "the refusal to be given up")
        journal.note(activity="b", actor="", reason="x", detail="", trace="t")
    assert await count_of(own_database_url) == 1


async def test_refusals_go_on_without_a_database(broker_url: str, own_database_url: str) -> None:
    """While the database is away, requests are refused as ever and nobody waits."""
    away = "postgresql://nobody@127.0.0.1:1/none"
    body = activity()
    async with receiving(broker_url, own_database_url) as inbox, Journal(away) as journal:
        journal.note(activity="", actor="", reason="x", detail="", trace="t")
        assert (await inbox.post(body, without(signed(body), "Signature"))).status == 401
