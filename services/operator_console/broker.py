"""The broker as operators see it: queues with their rates, and what could not be handled."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct

from shared.protocol import activities
from shared.protocol.errors import Malformed
from shared.protocol.messages import AcceptedActivity, Codec, Delivery, Message, ReceivedRequest
from shared.queue import topology
from shared.queue.connection import Broker, Disconnected, connect
from shared.queue.management import Management, management_of
from shared.queue.nodes import nodes_of
from shared.runtime.settings import Settings

CONNECT_SECONDS = 5.0
_DEAD = ".dead"


class Rate(Struct, frozen=True):
    """Messages in a second, averaged over the last ones."""

    rate: float = 0.0


class Traffic(Struct, frozen=True):
    """What moved lately; absent from a queue that was never used."""

    publish_details: Rate = Rate()
    ack_details: Rate = Rate()


class ManagedQueue(Struct, frozen=True):
    """A queue in the words of the management API."""

    name: str
    messages: int = 0
    messages_ready: int = 0
    messages_unacknowledged: int = 0
    consumers: int = 0
    message_stats: Traffic = Traffic()


class QueueReport(Struct, frozen=True, kw_only=True):
    """A work queue with its dead letters; counts are messages, each of 1 to 64 items."""

    queue: str
    messages: int
    ready: int
    unacknowledged: int
    consumers: int
    in_per_second: float
    out_per_second: float
    dead: int


async def queue_reports(management: Management) -> list[QueueReport]:
    """Return every work queue, in the order of the pipeline; raises Unavailable or Rejected."""
    body = await management.request("GET", f"/queues/{quote(management.vhost, safe='')}")
    found = {queue.name: queue for queue in msgspec.json.decode(body, type=list[ManagedQueue])}
    return [
        _report(found[name], found.get(f"{name}{_DEAD}")) for name in topology.ALL_QUEUES if name in found
    ]


def _report(queue: ManagedQueue, dead: ManagedQueue | None) -> QueueReport:
    return QueueReport(
        queue=queue.name,
        messages=queue.messages,
        ready=queue.messages_ready,
        unacknowledged=queue.messages_unacknowledged,
        consumers=queue.consumers,
        in_per_second=queue.message_stats.publish_details.rate,
        out_per_second=queue.message_stats.ack_details.rate,
        dead=dead.messages if dead else 0,
    )


def fold_shards(reports: Sequence[QueueReport]) -> list[QueueReport]:
    """Return the reports with the delivery shards summed up in one line."""
    shards = [report for report in reports if report.queue in topology.DELIVER_QUEUES]
    others = [report for report in reports if report.queue not in topology.DELIVER_QUEUES]
    if not shards:
        return others
    total = QueueReport(
        queue=f"deliver.* ({len(shards)})",
        messages=sum(shard.messages for shard in shards),
        ready=sum(shard.ready for shard in shards),
        unacknowledged=sum(shard.unacknowledged for shard in shards),
        consumers=sum(shard.consumers for shard in shards),
        in_per_second=sum(shard.in_per_second for shard in shards),
        out_per_second=sum(shard.out_per_second for shard in shards),
        dead=sum(shard.dead for shard in shards),
    )
    return [*others, total]


def open_management(settings: Settings) -> Management:
    """Return the management client of the site's broker, to be used with `async with`."""
    return management_of(settings.broker_url, settings.broker_management_url)


@asynccontextmanager
async def open_broker(settings: Settings) -> AsyncIterator[Broker]:
    """Connect to the broker; raises Unavailable where it does not answer."""
    async with connect(settings.broker_url, "heddle-cli") as broker:
        try:
            await broker.wait_until_up(CONNECT_SECONDS)
        except TimeoutError as error:
            raise Disconnected(f"the broker at {_where(settings.broker_url)} does not answer") from error
        yield broker


def _where(urls: str) -> str:
    """Return host, port and vhost of a broker's nodes, without who signs in."""
    nodes = [urlsplit(url) for url in nodes_of(urls)]
    return " or ".join(f"{node.netloc.rpartition('@')[2]}{node.path}" for node in nodes)


_CODECS: Mapping[str, Codec[ReceivedRequest] | Codec[AcceptedActivity] | Codec[Delivery]] = {
    topology.INBOX_RECEIVED: Codec(ReceivedRequest),
    topology.INBOX_UNRESOLVED: Codec(ReceivedRequest),
    topology.ACTIVITY_ACCEPTED: Codec(AcceptedActivity),
    topology.FANOUT_PLAN: Codec(AcceptedActivity),
    **{queue: Codec(Delivery) for queue in topology.DELIVER_QUEUES},
}


class LetterItem(Struct, frozen=True, kw_only=True):
    """One item of a dead letter, as far as a person can read it."""

    activity: str
    type: str
    actor: str
    body: str


def items_of(queue: str, payload: bytes) -> list[LetterItem]:
    """Return what a dead letter of a queue carries; nothing where that cannot be read."""
    try:
        items: Sequence[Message] = _CODECS[queue].decode(payload)
    except (Malformed, KeyError):
        return []
    return [_item(item) for item in items]


def _item(item: Message) -> LetterItem:
    body = item.body.decode(errors="replace")
    match item:
        case ReceivedRequest():
            return LetterItem(activity=item.activity_id, type=item.activity_type, actor=item.actor, body=body)
        case AcceptedActivity():
            kind = activities.type_name(item.activity)
            return LetterItem(activity=item.activity.id, type=kind, actor=item.activity.actor, body=body)
        case Delivery():
            inboxes = ", ".join(target.inbox for target in item.targets)
            return LetterItem(activity=item.activity_id, type=item.activity_type, actor=inboxes, body=body)
