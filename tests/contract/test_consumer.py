"""What the batch consumer promises to a handler, and to whom the messages belong."""

import asyncio
from collections.abc import Sequence

from shared.protocol.errors import Rejected, Unavailable
from shared.protocol.messages import ReceivedRequest
from shared.queue import dead_letters
from shared.queue.connection import Broker, connect
from shared.queue.consumer import BatchConsumer
from shared.queue.publisher import Publisher
from shared.queue.topology import FANOUT_PLAN, INBOX_RECEIVED
from tests.contract.proxy import proxied
from tests.contract.requests import CODEC, QUEUES, Recorder, number_of, request
from tests.infrastructure import eventually


async def send(publisher: Publisher, *numbers: int, queue: str = INBOX_RECEIVED) -> None:
    """Put these on the queue, one item a message."""
    await publisher.publish_many([(queue, CODEC.encode([request(number)])) for number in numbers])


async def remaining(broker: Broker, queue: str = INBOX_RECEIVED) -> int:
    """Return how many messages are ready on a queue."""
    channel = await broker.consuming.channel()
    found = await channel.declare_queue(queue, passive=True)
    await channel.close()
    return found.declaration_result.message_count or 0


async def test_items_reach_the_handler_in_order(broker: Broker, publisher: Publisher) -> None:
    """All items of a queue are handled once, in order, together where many wait, and are then gone."""
    recorder = Recorder()
    await publisher.publish(INBOX_RECEIVED, CODEC, [request(n) for n in range(100)])
    await send(publisher, *range(100, 150))
    async with BatchConsumer(broker, INBOX_RECEIVED, CODEC, recorder):
        await eventually(lambda: len(recorder.done) >= 150, "all items")
    assert recorder.done == list(range(150))
    assert len(recorder.batches) < 50
    assert await remaining(broker) == 0


async def test_a_batch_has_a_bound(broker: Broker, publisher: Publisher) -> None:
    """No batch takes in another message once it has its number of items."""
    recorder = Recorder()
    await send(publisher, *range(30))
    async with BatchConsumer(broker, INBOX_RECEIVED, CODEC, recorder, max_items=10):
        await eventually(lambda: len(recorder.done) == 30, "all items")
    assert max(len(batch) for batch in recorder.batches) <= 10


async def test_a_poison_item_dies_alone(broker: Broker, publisher: Publisher) -> None:
    """An item that can never succeed is put aside with its reason; its neighbours in the message live."""
    recorder = Recorder()
    recorder.failures[5] = Rejected("no such actor", reason="actor_gone")
    await publisher.publish(INBOX_RECEIVED, CODEC, [request(n) for n in range(10)])
    async with BatchConsumer(broker, INBOX_RECEIVED, CODEC, recorder):
        await eventually(lambda: len(recorder.done) == 9, "the neighbours")
        await eventually(lambda: _dead(broker, 1), "the dead letter")
    assert recorder.done == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    [letter] = await dead_letters.read(broker, INBOX_RECEIVED)
    assert CODEC.decode(letter.payload) == [request(5)]
    assert (letter.reason, letter.detail) == ("actor_gone", "Rejected: no such actor")
    assert letter.trace == request(5).trace
    assert await remaining(broker) == 0


async def test_an_unknown_failure_is_tried_again(broker: Broker, publisher: Publisher) -> None:
    """An item that fails for a reason we do not know gets its attempts, then is put aside."""
    recorder = Recorder()
    recorder.failures[1] = ZeroDivisionError("by zero")
    await send(publisher, 1)
    async with BatchConsumer(broker, INBOX_RECEIVED, CODEC, recorder, attempts=3):
        await eventually(lambda: _dead(broker, 1), "the dead letter")
    assert recorder.batches == [[1], [1], [1]]
    [letter] = await dead_letters.read(broker, INBOX_RECEIVED)
    assert (letter.reason, letter.detail) == ("handler_failed", "ZeroDivisionError: by zero")


async def test_a_passing_failure_does_not_kill(broker: Broker, publisher: Publisher) -> None:
    """An item that succeeds at its second attempt is handled, not put aside."""
    recorder = Recorder()
    recorder.failures[1] = ZeroDivisionError("by zero")
    await send(publisher, 1)
    async with BatchConsumer(broker, INBOX_RECEIVED, CODEC, recorder):
        await eventually(lambda: bool(recorder.batches), "the first attempt")
        recorder.failures.clear()
        await eventually(lambda: recorder.done == [1], "the second attempt")
    assert await dead_letters.counts(broker, QUEUES) == {}


async def test_a_message_that_cannot_be_read_is_put_aside(broker: Broker, publisher: Publisher) -> None:
    """Bytes that are no message of ours do not hold up those that are."""
    recorder = Recorder()
    await publisher.publish_many([(INBOX_RECEIVED, b"\xc1 garbage")])
    await send(publisher, 2)
    async with BatchConsumer(broker, INBOX_RECEIVED, CODEC, recorder):
        await eventually(lambda: recorder.done == [2], "the next message")
    [letter] = await dead_letters.read(broker, INBOX_RECEIVED)
    assert letter.payload == b"\xc1 garbage"
    assert letter.reason == "malformed"


async def test_an_outage_kills_nothing(broker: Broker, publisher: Publisher) -> None:
    """While something is away the batch is held; when it is back all of it is handled, nothing put aside."""
    recorder = Recorder()
    recorder.outage = Unavailable("the database is restarting")
    await send(publisher, 1, 2, 3)
    async with BatchConsumer(broker, INBOX_RECEIVED, CODEC, recorder, attempts=1):
        await eventually(lambda: len(recorder.batches) >= 4, "several attempts")
        assert recorder.done == []
        recorder.outage = None
        await eventually(lambda: recorder.done == [1, 2, 3], "the end of the outage")
    assert await dead_letters.counts(broker, QUEUES) == {}
    assert await remaining(broker) == 0


async def test_a_handler_that_hangs_is_bounded(broker: Broker, publisher: Publisher) -> None:
    """A handler that never returns costs its item, after the deadline, and nobody else's."""

    async def handle(items: Sequence[ReceivedRequest]) -> None:
        numbers = [number_of(item) for item in items]
        if 1 in numbers:
            await asyncio.Event().wait()
        done.extend(numbers)

    done: list[int] = []
    await publisher.publish(INBOX_RECEIVED, CODEC, [request(1), request(2)])
    async with BatchConsumer(broker, INBOX_RECEIVED, CODEC, handle, deadline=0.2, attempts=2):
        await eventually(lambda: done == [2], "the neighbour")
        await eventually(lambda: _dead(broker, 1), "the dead letter")
    [letter] = await dead_letters.read(broker, INBOX_RECEIVED)
    assert letter.reason == "handler_timeout"


async def test_stopping_finishes_what_is_in_hand(broker: Broker, publisher: Publisher) -> None:
    """A consumer that stops finishes its batch and returns the rest; nothing is lost or done twice."""
    recorder = Recorder()
    recorder.gate.clear()
    await send(publisher, *range(20))
    consumer = BatchConsumer(broker, INBOX_RECEIVED, CODEC, recorder, max_items=5)
    consumer.start()
    await recorder.entered.wait()
    stop = asyncio.create_task(consumer.stop())
    await asyncio.sleep(0.1)
    recorder.gate.set()
    await stop
    assert len(recorder.batches) == 1
    in_hand = recorder.batches[0]
    assert recorder.done == in_hand
    second = Recorder()
    async with BatchConsumer(broker, INBOX_RECEIVED, CODEC, second):
        await eventually(lambda: len(second.done) == 20 - len(in_hand), "the rest")
    assert in_hand + second.done == list(range(20))


async def test_stopping_returns_many_in_their_order(broker: Broker, publisher: Publisher) -> None:
    """However much a stopping consumer was sent ahead, whoever comes next is given it in the same order."""
    held = Recorder()
    held.outage = Unavailable()
    await send(publisher, *range(120))
    consumer = BatchConsumer(broker, INBOX_RECEIVED, CODEC, held, max_items=1, prefetch=128)
    consumer.start()
    await eventually(lambda: _ready(broker, 0), "all to be sent ahead")
    await asyncio.wait_for(consumer.stop(), 10)
    second = Recorder()
    async with BatchConsumer(broker, INBOX_RECEIVED, CODEC, second):
        await eventually(lambda: len(second.done) == 120, "all of it")
    assert second.done == list(range(120))


async def test_stopping_ends_an_outage(broker: Broker, publisher: Publisher) -> None:
    """A consumer that holds a batch can be stopped; the batch goes back to the queue."""
    recorder = Recorder()
    recorder.outage = Unavailable()
    await send(publisher, 1, 2)
    consumer = BatchConsumer(broker, INBOX_RECEIVED, CODEC, recorder)
    consumer.start()
    await eventually(lambda: len(recorder.batches) >= 2, "the outage")
    await asyncio.wait_for(consumer.stop(), 10)
    await eventually(lambda: _ready(broker, 2), "the messages to be back")


async def test_a_cut_connection_loses_nothing(own_broker_url: str) -> None:
    """Cut in the middle of a batch, the consumer comes back by itself and every item is handled, in order."""
    recorder = Recorder()
    async with connect(own_broker_url, "direct", QUEUES) as direct, proxied(own_broker_url) as (proxy, url):
        await direct.wait_until_up()
        async with connect(url, "test", QUEUES) as broker:
            consumer = BatchConsumer(broker, FANOUT_PLAN, CODEC, recorder, max_items=4)
            consumer.start()
            recorder.gate.clear()
            await send(Publisher(direct), *range(20), queue=FANOUT_PLAN)
            await recorder.entered.wait()
            proxy.cut()
            recorder.gate.set()
            await eventually(lambda: set(recorder.done) == set(range(20)), "every item")
            await send(Publisher(direct), 20, queue=FANOUT_PLAN)
            await eventually(lambda: 20 in recorder.done, "a message after the cut")
            await consumer.stop()
        first_effects = list(dict.fromkeys(recorder.done))
        assert first_effects == list(range(21))
        await eventually(lambda: _ready(direct, 0, FANOUT_PLAN), "an empty queue")


async def test_a_queue_that_vanished_is_worked_again(broker: Broker, publisher: Publisher) -> None:
    """A consumer whose queue was deleted declares it again and goes on."""
    recorder = Recorder()
    async with BatchConsumer(broker, INBOX_RECEIVED, CODEC, recorder):
        await send(publisher, 1)
        await eventually(lambda: recorder.done == [1], "the first message")
        channel = await broker.publishing.channel()
        await channel.queue_delete(INBOX_RECEIVED)

        async def sent() -> bool:
            try:
                await send(publisher, 2)
            except Unavailable:
                return False
            return True

        await eventually(sent, "the queue to be back")
        await eventually(lambda: recorder.done[-1] == 2, "the message after")


async def test_one_process_at_a_time_works_an_ordered_queue(broker: Broker, publisher: Publisher) -> None:
    """On an ordered queue the second consumer only gets work once the first is gone."""
    first, second = Recorder(), Recorder()
    leader = BatchConsumer(broker, FANOUT_PLAN, CODEC, first)
    leader.start()
    await send(publisher, 0, queue=FANOUT_PLAN)
    await eventually(lambda: first.done == [0], "the first message")
    async with BatchConsumer(broker, FANOUT_PLAN, CODEC, second):
        await send(publisher, *range(1, 10), queue=FANOUT_PLAN)
        await eventually(lambda: first.done == list(range(10)), "the leader to do the work")
        await leader.stop()
        await send(publisher, 10, queue=FANOUT_PLAN)
        await eventually(lambda: second.done == [10], "the other to take over")


async def test_whoever_takes_over_gets_all_in_order(broker: Broker, publisher: Publisher) -> None:
    """What one held of an ordered queue comes to the next before anything that it was never given."""
    first, second = Recorder(), Recorder()
    first.gate.clear()
    leader = BatchConsumer(broker, FANOUT_PLAN, CODEC, first, max_items=1, prefetch=5)
    leader.start()
    await send(publisher, *range(10), queue=FANOUT_PLAN)
    await first.entered.wait()
    async with BatchConsumer(broker, FANOUT_PLAN, CODEC, second) as follower:
        await eventually(follower.is_consuming, "somebody to wait for the queue")
        stop = asyncio.create_task(leader.stop())
        for number in range(10, 60):  # each of them is confirmed: time enough to serve the other too early
            await send(publisher, number, queue=FANOUT_PLAN)
        first.gate.set()
        await stop
        await eventually(lambda: len(first.done + second.done) >= 60, "all of it")
    assert first.done + second.done == list(range(60))


async def test_concurrent_batches_do_not_wait_for_each_other(broker: Broker, publisher: Publisher) -> None:
    """With more than one batch in work, a slow one does not hold up the others, and each is acknowledged."""
    slow = asyncio.Event()
    done: list[int] = []

    async def handle(items: Sequence[ReceivedRequest]) -> None:
        [number] = [number_of(item) for item in items]
        if number == 0:
            await slow.wait()
        done.append(number)

    await send(publisher, *range(10))
    consumer = BatchConsumer(broker, INBOX_RECEIVED, CODEC, handle, concurrency=3, max_items=1)
    async with consumer:
        await eventually(lambda: len(done) == 9, "all but the slow one")
        slow.set()
        await eventually(lambda: len(done) == 10, "the slow one")
    assert await remaining(broker) == 0


async def test_readiness_sees_a_missing_consumer(own_broker_url: str) -> None:
    """A consumer that the broker has had none of for long makes the process unready."""
    async with proxied(own_broker_url) as (proxy, url), connect(url, "test", QUEUES) as broker:
        consumer = BatchConsumer(broker, INBOX_RECEIVED, CODEC, Recorder(), missing_after=0.2)
        async with consumer:
            await eventually(consumer.is_consuming, "the consumer")
            assert await consumer.check() == ""
            proxy.refuses = True
            proxy.cut()
            await eventually(lambda: _is_red(consumer), "readiness to go red")
            proxy.refuses = False
            await eventually(lambda: _is_green(consumer), "readiness to come back")


async def _is_red(consumer: BatchConsumer[ReceivedRequest]) -> bool:
    return bool(await consumer.check())


async def _is_green(consumer: BatchConsumer[ReceivedRequest]) -> bool:
    return not await consumer.check()


async def _dead(broker: Broker, count: int) -> bool:
    return sum((await dead_letters.counts(broker, [INBOX_RECEIVED])).values()) == count


async def _ready(broker: Broker, count: int, queue: str = INBOX_RECEIVED) -> bool:
    return await remaining(broker, queue) == count
