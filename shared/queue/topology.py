"""Every queue and exchange, as data: the only place where their names and arguments stand.

Arguments keep to what RabbitMQ 3.10 and 4.x share. Queues are quorum queues; what cannot be handled goes
to `<name>.dead`. `at-least-once` dead-lettering needs `reject-publish`, which also is how a full queue
tells its publisher so. An operator may lower the limits with a policy; the lower of both holds.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel
from msgspec import Struct

INBOX_RECEIVED = "inbox.received"
INBOX_UNRESOLVED = "inbox.unresolved"
ACTIVITY_ACCEPTED = "activity.accepted"
FANOUT_PLAN = "fanout.plan"
SHARDS = 32
"""How many `deliver.NN` queues there are: a host always maps to the same one."""

COMMANDS_EXCHANGE = "platform.commands"
EVENTS_EXCHANGE = "platform.events"
LIVE_EXCHANGE = "timelines.live"

DELIVERY_LIMIT = 100
"""Returns to the queue before the broker itself gives a message up.

High on purpose: each crash of a consumer returns all that it had prefetched, and a crash loop or an
outage must not kill what is only waiting. A poison message is given up by the consumer, long before.
"""

_GIB = 1 << 30


def deliver_queue(shard: int) -> str:
    """Return the name of the queue of a delivery shard."""
    if not 0 <= shard < SHARDS:
        raise ValueError(f"there is no shard {shard}")
    return f"deliver.{shard:02d}"


def shard_of(host: str) -> int:
    """Return the shard to which a host's deliveries belong, the same in every process and release."""
    return hashlib.blake2s(host.lower().encode(), digest_size=2).digest()[0] % SHARDS


def dead_queue(queue: str) -> str:
    """Return the name of the queue that keeps what could not be handled."""
    return f"{queue}.dead"


class QueueSpec(Struct, frozen=True, kw_only=True):
    """How one queue is declared.

    `max_length` is in messages, `max_bytes` in bytes of bodies; `single_consumer` keeps the order, for
    only one process works the queue at a time.
    """

    name: str
    max_length: int = 2_000_000
    max_bytes: int = 8 * _GIB
    single_consumer: bool = False

    def arguments(self) -> dict[str, Any]:
        """Return the broker's arguments for this queue."""
        arguments: dict[str, Any] = {
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-overflow": "reject-publish",
            "x-max-length": self.max_length,
            "x-max-length-bytes": self.max_bytes,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": dead_queue(self.name),
            "x-dead-letter-strategy": "at-least-once",
        }
        if self.single_consumer:
            arguments["x-single-active-consumer"] = True
        return arguments


_DELIVER = [QueueSpec(name=deliver_queue(shard), single_consumer=True) for shard in range(SHARDS)]

QUEUES: dict[str, QueueSpec] = {
    spec.name: spec
    for spec in (
        QueueSpec(name=INBOX_RECEIVED),
        QueueSpec(name=INBOX_UNRESOLVED, max_length=200_000, max_bytes=_GIB),
        QueueSpec(name=ACTIVITY_ACCEPTED),
        QueueSpec(name=FANOUT_PLAN, single_consumer=True),
        *_DELIVER,
    )
}
"""All work queues by name."""

ALL_QUEUES = tuple(QUEUES)
DELIVER_QUEUES = tuple(spec.name for spec in _DELIVER)
_TOPIC = ExchangeType.TOPIC.value
EXCHANGES = (COMMANDS_EXCHANGE, EVENTS_EXCHANGE, LIVE_EXCHANGE)


# RabbitMQ 4 would drop a dead letter after twenty looks at it.
_DEAD_ARGUMENTS: dict[str, Any] = {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000}


async def declare(channel: AbstractChannel, queues: Sequence[str] = ALL_QUEUES) -> None:
    """Declare these queues, their dead-letter queues and the exchanges; safe to repeat.

    Only the last declaration is answered, and it says that all went well: a channel is served in order, and
    ends with the first that is refused. For the answer to a queue's the broker counts its messages, and waits
    for that where the queue has no leader yet, as after an outage.
    """
    below = await channel.get_underlay_channel()
    for queue in queues:
        # The dead-letter queue first: nothing may be given up into the void.
        await below.queue_declare(dead_queue(queue), durable=True, arguments=_DEAD_ARGUMENTS, nowait=True)
        await below.queue_declare(queue, durable=True, arguments=QUEUES[queue].arguments(), nowait=True)
    *others, last = EXCHANGES
    for exchange in others:
        await below.exchange_declare(exchange, exchange_type=_TOPIC, durable=True, nowait=True)
    await below.exchange_declare(last, exchange_type=_TOPIC, durable=True)
