"""The outbox relay, and the whole service as its own process."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from services.timeline_builder.relay import Relay, merge
from shared.database import outbox
from shared.database.outbox import OutboxMessage, OutboxRow
from shared.protocol.messages import MAX_ITEMS, AcceptedActivity, Codec
from shared.queue.connection import Broker, connect
from shared.queue.consumer import BatchConsumer
from shared.queue.publisher import Publisher, Unconfirmed
from shared.queue.topology import ACTIVITY_ACCEPTED, FANOUT_PLAN
from tests.builders import parsed
from tests.infrastructure import eventually
from tests.integration.builder.stage import Stage

_codec = Codec(AcceptedActivity)


def _items(number: int) -> list[AcceptedActivity]:
    return [parsed.accepted(parsed.like(f"https://x.example/{n}")) for n in range(number)]


async def _fill(stage: Stage, queue: str, items: Sequence[AcceptedActivity]) -> None:
    messages = [OutboxMessage(queue=queue, payload=_codec.encode([item])) for item in items]
    async with stage.pool.acquire() as conn:
        await outbox.enqueue(conn, messages)


@asynccontextmanager
async def _collecting(broker: Broker, queue: str) -> AsyncIterator[list[AcceptedActivity]]:
    got: list[AcceptedActivity] = []

    async def handle(items: Sequence[AcceptedActivity]) -> None:
        got.extend(items)

    async with BatchConsumer(broker, queue, _codec, handle):
        yield got


@asynccontextmanager
async def _relaying(stage: Stage, broker: Broker, url: str, number: int) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    relays = [Relay(stage.pool, Publisher(broker), url) for _ in range(number)]
    tasks = [asyncio.create_task(relay.run(stopping)) for relay in relays]
    try:
        yield
    finally:
        stopping.set()
        await asyncio.gather(*tasks)


def test_neighbours_share_a_message() -> None:
    """Rows for one queue become few messages in their order; other queues in between change nothing."""
    items = _items(MAX_ITEMS + 6)
    rows = [
        OutboxRow(
            id=n,
            queue=FANOUT_PLAN if n % 2 else ACTIVITY_ACCEPTED,
            payload=_codec.encode([item]),
        )
        for n, item in enumerate(items)
    ]
    messages = merge(rows)
    assert [queue for queue, _ in messages] == [ACTIVITY_ACCEPTED, FANOUT_PLAN]
    assert _codec.decode(messages[0][1]) == items[0::2]
    assert _codec.decode(messages[1][1]) == items[1::2]
    full = merge([OutboxRow(id=n, queue="q", payload=_codec.encode([item])) for n, item in enumerate(items)])
    assert [len(_codec.decode(payload)) for _, payload in full] == [MAX_ITEMS, 6]


async def test_relay_keeps_the_order_over_replicas(
    stage: Stage, database_url: str, own_broker_url: str
) -> None:
    """With three relays at work every row arrives once, in the order in which it was written."""
    items = _items(700)
    async with connect(own_broker_url, "test", [FANOUT_PLAN]) as broker:
        await broker.wait_until_up()
        async with (
            _collecting(broker, FANOUT_PLAN) as got,
            _relaying(stage, broker, database_url, number=3),
        ):
            for start in range(0, len(items), 7):
                await _fill(stage, FANOUT_PLAN, items[start : start + 7])
            await eventually(lambda: len(got) >= len(items), "all rows")
    assert [item.activity.id for item in got] == [item.activity.id for item in items]
    assert await stage.pool.fetchval("SELECT count(*) FROM outbox") == 0


async def test_row_waits_for_its_time(stage: Stage, database_url: str, own_broker_url: str) -> None:
    """A row with a time in the future stays until then, and nothing waits behind it."""
    late, now = _items(2)
    async with connect(own_broker_url, "test", [FANOUT_PLAN]) as broker:
        await broker.wait_until_up()
        async with stage.pool.acquire() as conn:
            at = await conn.fetchval("SELECT now() + interval '1.5 s'")
            payload = _codec.encode([late])
            await outbox.enqueue(conn, [OutboxMessage(queue=FANOUT_PLAN, payload=payload, not_before=at)])
        await _fill(stage, FANOUT_PLAN, [now])
        async with (
            _collecting(broker, FANOUT_PLAN) as got,
            _relaying(stage, broker, database_url, number=1),
        ):
            await eventually(lambda: len(got) == 2, "both rows")
    assert [item.activity.id for item in got] == [now.activity.id, late.activity.id]


async def test_unconfirmed_row_stays(stage: Stage, own_broker_url: str) -> None:
    """A row whose publish was not confirmed is still in the outbox."""

    class Silent(Publisher):
        async def publish_many(self, *_: object, **__: object) -> None:
            raise Unconfirmed("no answer")

    await _fill(stage, FANOUT_PLAN, _items(3))
    async with connect(own_broker_url, "test", [FANOUT_PLAN]) as broker:
        relay = Relay(stage.pool, Silent(broker), "")
        with pytest.raises(Unconfirmed):
            await relay.relay_page()
    assert await stage.pool.fetchval("SELECT count(*) FROM outbox") == 3
    await stage.pool.execute("DELETE FROM outbox")


@asynccontextmanager
async def _process(database_url: str, broker_url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    environ = {
        **os.environ,
        "HEDDLE_ORIGIN": "http://loom.localhost:8080",
        "HEDDLE_ALLOW_PRIVATE_PEERS": "true",
        "HEDDLE_DATABASE_URL": database_url,
        "HEDDLE_BROKER_URL": broker_url,
        "HEDDLE_OPS_LISTEN": "127.0.0.1:0",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.timeline_builder", env=environ
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_service_applies_answers_and_stops(
    stage: Stage, database_url: str, own_broker_url: str
) -> None:
    """The process takes a Follow from its queue, sends the Accept through the outbox, and ends at SIGTERM."""
    ada, edith = await stage.here(), await stage.away()
    follow = parsed.accepted(parsed.follow(edith.uri, ada.uri))
    async with connect(own_broker_url, "test") as broker, _process(database_url, own_broker_url) as process:
        await broker.wait_until_up()
        async with _collecting(broker, FANOUT_PLAN) as got:
            await Publisher(broker).publish(ACTIVITY_ACCEPTED, _codec, [follow])
            await eventually(lambda: len(got) == 1, "the Accept", seconds=40)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 20) == 0
    assert got[0].activity.to == (edith.uri,)
    partitions = await stage.pool.fetchval(
        "SELECT count(*) FROM pg_class WHERE relname ~ '^claims_[0-9]{8}$'"
    )
    assert partitions == 3
