"""What a publish can come to, each told apart from the others."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from shared.protocol.messages import Codec, ReceivedRequest
from shared.queue.connection import Broker, connect
from shared.queue.publisher import Publisher, Unroutable
from shared.queue.topology import INBOX_RECEIVED

CODEC = Codec(ReceivedRequest)


def request(number: int = 1, body: bytes = b"{}") -> ReceivedRequest:
    """Return a request as the receiver queues it."""
    return ReceivedRequest(
        method="POST",
        target="/inbox",
        headers=(("host", "a.example"),),
        body=body,
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
        trace=f"{number:032x}",
        activity_id=f"https://b.example/activities/{number}",
        activity_type="Create",
        actor="https://b.example/users/1",
    )


@pytest.fixture
async def broker(own_broker_url: str) -> AsyncIterator[Broker]:
    """Yield a connected broker with the whole topology."""
    async with connect(own_broker_url, "test") as broker:
        await broker.wait_until_up()
        yield broker


async def test_a_confirmed_message_is_on_the_queue(broker: Broker) -> None:
    """After publish has returned, the message is on its queue."""
    await Publisher(broker).publish(INBOX_RECEIVED, CODEC, [request()])
    channel = await broker.consuming.channel()
    queue = await channel.get_queue(INBOX_RECEIVED)
    message = await queue.get()
    assert CODEC.decode(message.body) == [request()]


async def test_a_message_without_a_queue_is_unroutable(broker: Broker) -> None:
    """A message that no queue takes is reported, not dropped."""
    with pytest.raises(Unroutable):
        await Publisher(broker).publish("nowhere", CODEC, [request()])
