"""What was given up can be looked at, sent on its way again, or thrown away."""

from shared.protocol.errors import Rejected
from shared.queue import dead_letters
from shared.queue.connection import Broker
from shared.queue.consumer import BatchConsumer
from shared.queue.publisher import Publisher
from shared.queue.topology import ACTIVITY_ACCEPTED, DELIVERY_LIMIT, INBOX_RECEIVED, dead_queue
from tests.contract.requests import CODEC, QUEUES, Recorder, request
from tests.infrastructure import eventually


async def give_up(broker: Broker, *numbers: int) -> None:
    """Let these die on the inbox queue, odd and even ones of different causes."""
    recorder = Recorder()
    for number in numbers:
        recorder.failures[number] = Rejected(reason="odd" if number % 2 else "even")
    await Publisher(broker).publish(INBOX_RECEIVED, CODEC, [request(number) for number in numbers])
    async with BatchConsumer(broker, INBOX_RECEIVED, CODEC, recorder):

        async def all_dead() -> bool:
            return await dead_letters.counts(broker, QUEUES) == {INBOX_RECEIVED: len(numbers)}

        await eventually(all_dead, "the dead letters")


async def test_reading_leaves_them_where_they_are(broker: Broker) -> None:
    """Dead letters can be read again and again, the oldest first, up to a limit."""
    await give_up(broker, 1, 2, 3)
    for _ in range(3):
        letters = await dead_letters.read(broker, INBOX_RECEIVED)
        assert [letter.reason for letter in letters] == ["odd", "even", "odd"]
        assert len({letter.id for letter in letters}) == 3
        assert all(letter.died_at for letter in letters)
    assert len(await dead_letters.read(broker, INBOX_RECEIVED, limit=2)) == 2


async def test_replay_puts_them_back_to_work(broker: Broker) -> None:
    """A replayed letter is handled as if it came for the first time, and is no dead letter any more."""
    await give_up(broker, 1, 2, 3)
    assert await dead_letters.replay(broker, INBOX_RECEIVED) == 3
    recorder = Recorder()
    async with BatchConsumer(broker, INBOX_RECEIVED, CODEC, recorder):
        await eventually(lambda: sorted(recorder.done) == [1, 2, 3], "the replayed items")
    assert await dead_letters.counts(broker, QUEUES) == {}


async def test_one_can_be_chosen(broker: Broker) -> None:
    """Replay and purge touch only the letters that were named, by id or by reason."""
    await give_up(broker, 1, 2, 3, 4)
    first = (await dead_letters.read(broker, INBOX_RECEIVED))[0]
    assert await dead_letters.replay(broker, INBOX_RECEIVED, ids=[first.id]) == 1
    assert await dead_letters.purge(broker, INBOX_RECEIVED, reason="even") == 2
    [left] = await dead_letters.read(broker, INBOX_RECEIVED)
    assert CODEC.decode(left.payload) == [request(3)]


async def test_purge_throws_all_away(broker: Broker) -> None:
    """Purge without a choice empties the dead-letter queue and tells how many there were."""
    await give_up(broker, 1, 2)
    assert await dead_letters.purge(broker, INBOX_RECEIVED) == 2
    assert await dead_letters.read(broker, INBOX_RECEIVED) == []


async def test_the_broker_gives_up_what_kills_its_consumers(broker: Broker) -> None:
    """A message that comes back too often, whoever had it, ends as a dead letter and not in nowhere."""
    await Publisher(broker).publish(ACTIVITY_ACCEPTED, CODEC, [request(7)])
    channel = await broker.consuming.channel()
    queue = await channel.get_queue(ACTIVITY_ACCEPTED)
    for _ in range(DELIVERY_LIMIT + 1):
        message = await queue.get()
        assert message is not None
        await message.reject(requeue=True)

    async def dead() -> bool:
        return await dead_letters.counts(broker, QUEUES) == {ACTIVITY_ACCEPTED: 1}

    await eventually(dead, f"a message on {dead_queue(ACTIVITY_ACCEPTED)}")
    [letter] = await dead_letters.read(broker, ACTIVITY_ACCEPTED)
    assert letter.reason == "delivery_limit"
    assert CODEC.decode(letter.payload) == [request(7)]
