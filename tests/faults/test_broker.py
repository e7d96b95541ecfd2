"""The broker is killed or starved under load."""

import asyncio
from pathlib import Path

import pytest

from shared.protocol.errors import Unavailable
from shared.queue import dead_letters
from shared.queue.connection import connect
from shared.queue.consumer import BatchConsumer
from shared.queue.publisher import Publisher
from shared.queue.topology import INBOX_RECEIVED
from tests.contract.requests import CODEC, Recorder, request
from tests.faults.private_broker import is_fetched, private_broker
from tests.infrastructure import eventually
from tests.integration.receiver.inbox import Bounds, activity, receiving, signed

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not is_fetched(), reason="RabbitMQ's programs are not fetched: `make test` does it"),
]


async def test_killed_under_load_it_loses_nothing_confirmed(tmp_path: Path) -> None:
    """A kill -9 of the broker under load: every confirmed item is handled, and all go on by themselves."""
    recorder, confirmed = Recorder(), set[int]()
    numbers = iter(range(1_000_000))
    enough = asyncio.Event()

    async def publish(publisher: Publisher) -> None:
        while not enough.is_set():
            number = next(numbers)
            try:
                await publisher.publish(INBOX_RECEIVED, CODEC, [request(number)])
            except Unavailable:
                await asyncio.sleep(0.05)
            else:
                confirmed.add(number)

    async with private_broker(tmp_path) as server, connect(server.url, "test", [INBOX_RECEIVED]) as broker:
        await broker.wait_until_up()
        # RabbitMQ 3.10 may lose a queue that is younger than its first snapshot.
        await asyncio.sleep(2)
        publisher = Publisher(broker)
        async with BatchConsumer(broker, INBOX_RECEIVED, CODEC, recorder):
            senders = [asyncio.create_task(publish(publisher)) for _ in range(4)]
            await eventually(lambda: len(confirmed) > 300, "load before the crash")
            server.kill()
            before = len(confirmed)
            await server.start()
            await eventually(lambda: len(confirmed) > before + 300, "load after the crash", seconds=40)
            enough.set()
            await asyncio.gather(*senders)
            await eventually(lambda: confirmed <= set(recorder.done), "every confirmed item")
        assert await dead_letters.counts(broker, [INBOX_RECEIVED]) == {}


async def test_an_alarm_stops_intake_and_not_the_work(tmp_path: Path, database_url: str) -> None:
    """Under a memory alarm the receiver answers 503 in time, and consumers go on and acknowledge."""
    recorder = Recorder()
    recorder.gate.clear()
    async with private_broker(tmp_path) as server, connect(server.url, "test", [INBOX_RECEIVED]) as broker:
        await broker.wait_until_up()
        await Publisher(broker).publish(INBOX_RECEIVED, CODEC, [request(1)])
        consumer = BatchConsumer(broker, INBOX_RECEIVED, CODEC, recorder)
        consumer.start()
        async with receiving(server.url, database_url, Bounds(confirm_timeout=0.5)) as inbox:
            await recorder.entered.wait()
            body = activity()
            assert (await inbox.post(body, signed(body))).status == 202
            await server.control("set_vm_memory_high_watermark", "0")
            reasons = [(await inbox.post(body, signed(body))).problem["reason"] for _ in range(3)]
            assert reasons[0] == "unconfirmed"
            assert reasons[-1] == "broker_blocked"
            recorder.gate.set()
            await eventually(lambda: len(recorder.done) >= 2, "the work during the alarm")
            # What was not acknowledged would be back on the queue now.
            await consumer.stop()
            assert await inbox.queued() == []
            await server.control("set_vm_memory_high_watermark", "0.4")

            async def taken() -> bool:
                return (await inbox.post(body, signed(body))).status == 202

            await eventually(taken, "the end of the alarm")
