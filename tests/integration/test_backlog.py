"""A backlog before the verifier and the builder: each holds as much of it as it prefetches, no more."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from msgspec import Struct

from shared.protocol.messages import AcceptedActivity, Codec, Message, ReceivedRequest
from shared.queue.connection import Broker, connect
from shared.queue.consumer import PREFETCH
from shared.queue.publisher import Publisher
from shared.queue.topology import ACTIVITY_ACCEPTED, INBOX_RECEIVED
from tests.builders import parsed
from tests.infrastructure import eventually
from tests.sites import Site

WAITING = 4 * PREFETCH
"""Messages in each queue, of one item each."""

LOOKS = 50
"""Answers of the broker during which what is held must not change."""

AGE = timedelta(hours=1)


class Stalled(Struct, frozen=True):
    """A site whose verifier and builder cannot get anything done, and its broker."""

    site: Site
    broker: Broker

    async def put(self, queue: str, codec: Codec[Message], items: list[Message]) -> None:
        """Put items on a queue, each in a message of its own."""
        publisher = Publisher(self.broker)
        await publisher.publish_many([(queue, codec.encode([item])) for item in items])
        await publisher.close()

    async def ready(self, queue: str) -> int:
        """Return how many messages the broker has not handed out."""
        channel = await self.broker.consuming.channel()
        declared = await channel.declare_queue(queue, passive=True)
        await channel.close()
        return int(declared.declaration_result.message_count or 0)

    async def age(self) -> float:
        """Return what the metric says, in seconds."""
        return await self.site.count("signature_verifier", "heddle_oldest_age_seconds", queue=INBOX_RECEIVED)


@asynccontextmanager
async def nothing_is_written(database_url: str) -> AsyncIterator[None]:
    """Keep everybody from writing down what was applied or refused."""
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE claims, refusals IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


@pytest.fixture
async def stalled(own_database_url: str, own_broker_url: str, tmp_path: Path) -> AsyncIterator[Stalled]:
    """Yield a site with the two services at work."""
    site = Site(name="slow", database_url=own_database_url, broker_url=own_broker_url, folder=tmp_path)
    try:
        await site.start(("signature_verifier", "timeline_builder"))
        async with connect(own_broker_url, "test", [INBOX_RECEIVED, ACTIVITY_ACCEPTED]) as broker:
            await broker.wait_until_up()
            yield Stalled(site, broker)
    finally:
        await site.stop()


def unsigned(number: int, received_at: datetime) -> ReceivedRequest:
    """Return a request that the verifier refuses, and so has to write something about."""
    return ReceivedRequest(
        method="POST",
        target="/inbox",
        headers=(),
        body=b"{}",
        received_at=received_at,
        trace=f"backlog-{number}",
        activity_id=f"https://far.example/{number}",
        activity_type="Create",
        actor="https://far.example/users/bob",
    )


async def test_no_more_than_the_prefetch_is_in_hand(stalled: Stalled, own_database_url: str) -> None:
    """While many wait and nothing gets done, both hold their prefetch; the age is told; all is done later."""
    received_at = datetime.now(UTC) - AGE
    requests: list[Message] = [unsigned(number, received_at) for number in range(WAITING)]
    accepted: list[Message] = [parsed.accepted(parsed.create()) for _ in range(WAITING)]
    queues = (INBOX_RECEIVED, ACTIVITY_ACCEPTED)
    async with nothing_is_written(own_database_url):
        await stalled.put(INBOX_RECEIVED, Codec(ReceivedRequest), requests)
        await stalled.put(ACTIVITY_ACCEPTED, Codec(AcceptedActivity), accepted)

        async def taken() -> bool:
            return all([await stalled.ready(queue) <= WAITING - PREFETCH for queue in queues])

        await eventually(taken, "both to take what they may")
        for _ in range(LOOKS):
            assert [await stalled.ready(queue) for queue in queues] == [WAITING - PREFETCH] * 2
        assert AGE.total_seconds() <= await stalled.age() < 2 * AGE.total_seconds()
    connection = await asyncpg.connect(own_database_url)

    async def done() -> bool:
        counts = "SELECT (SELECT count(*) FROM refusals), (SELECT count(*) FROM claims)"
        return tuple(await connection.fetchrow(counts) or ()) == (WAITING, WAITING)

    await eventually(done, "each to be refused or applied once")
    await connection.close()
