"""`POST /.well-known/fedify/bench/trigger`: send an activity to the sinks of a benchmark.

The recipients are not followers, so the plan is made here; from the outbox on it is the path that every
delivery takes. Only sinks on this machine or in a private network are sent anything.
"""

import ipaddress
import secrets
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
from aiohttp import web
from msgspec import Struct

from services.platform_gateway.errors import ApiError
from services.platform_gateway.gateway import GATEWAY
from services.platform_gateway.responses import answer
from shared.database import delivery_plans, outbox
from shared.database.delivery_plans import Planned, SentActivity
from shared.database.document_actors import DocumentName, name_by_id, name_by_username
from shared.database.pool import Connection
from shared.protocol.identifiers import host_of
from shared.protocol.messages import MAX_ITEMS, Codec, Delivery, Target
from shared.queue.topology import deliver_queue, shard_of
from shared.remote.addresses import PeerPolicy

_MAX_RECIPIENTS = 10_000
_MAX_ID = (1 << 63) - 1
_PRIVATE = PeerPolicy(allow_private=True)
_codec = Codec(Delivery)


class _Sender(Struct):
    identifier: str = ""
    username: str = ""


class _Recipient(Struct):
    inbox: str


class _Order(Struct):
    sender: _Sender
    recipients: list[_Recipient]
    activity: dict[str, Any]


class Triggered(Struct, rename="camel"):
    """What was planned, as Fedify says it; the activity's id is what to look for in logs and traces."""

    activity_id: str
    queue_correlation_id: str
    recipient_count: int
    inbox_count: int
    version: int = 1


class _Outgoing(Struct):
    uri: str
    type: str
    subject: str
    body: bytes


async def trigger(request: web.Request) -> web.Response:
    """Plan one delivery for each recipient and answer with 202."""
    try:
        order = msgspec.json.decode(await request.read(), type=_Order)
    except msgspec.DecodeError as error:
        raise ApiError(400, "Bad request", description=str(error)) from error
    if not order.recipients or len(order.recipients) > _MAX_RECIPIENTS:
        raise ApiError(400, "Bad request", description=f"1 to {_MAX_RECIPIENTS} recipients, please")
    inboxes = list(dict.fromkeys(one.inbox for one in order.recipients))
    if not all(map(_is_sink, inboxes)):
        raise ApiError(
            403, "Forbidden", description="a recipient is not on this machine or a private network"
        )
    async with request.app[GATEWAY].pool.acquire() as conn, conn.transaction():
        sender = await _sender(conn, order.sender)
        outgoing = _outgoing(order.activity, sender)
        await _plan(conn, sender, outgoing, inboxes)
    triggered = Triggered(
        activity_id=outgoing.uri,
        queue_correlation_id=outgoing.uri,
        recipient_count=len(order.recipients),
        inbox_count=len(inboxes),
    )
    return answer(triggered, status=202)


def _is_sink(inbox: str) -> bool:
    try:
        parts = urlsplit(inbox)
        host = (parts.hostname or "").lower()
    except ValueError:
        return False
    if parts.scheme not in {"http", "https"}:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return _PRIVATE.is_exempt(str(ipaddress.ip_address(host)))
    except ValueError:
        return False


async def _sender(conn: Connection, sender: _Sender) -> DocumentName:
    """Return the account by name or id: the tool uses the identifier for the actor's path, too."""
    found, identifier = None, sender.identifier
    if not identifier and not sender.username:
        raise ApiError(400, "Bad request", description="sender needs an identifier or a username")
    if identifier.isascii() and identifier.isdigit() and int(identifier) <= _MAX_ID:
        found = await name_by_id(conn, int(identifier))
    found = found or await name_by_username(conn, identifier or sender.username)
    if found is None or found.gone or not found.federated:
        raise ApiError(404, "Not found", description="no such sender")
    return found


def _outgoing(activity: dict[str, Any], sender: DocumentName) -> _Outgoing:
    """Return the activity as it goes out: the actor is the sender, whatever path the tool guessed."""
    wire = activity | {"actor": sender.uri}
    uri, kind, subject = wire.get("id"), wire.get("type"), wire.get("object")
    if isinstance(subject, dict):
        subject = subject.get("id")
    if not isinstance(uri, str) or not isinstance(kind, str) or not isinstance(subject, str):
        raise ApiError(400, "Bad request", description="activity needs id, type and object")
    return _Outgoing(uri=uri, type=kind, subject=subject, body=msgspec.json.encode(wire))


async def _plan(conn: Connection, sender: DocumentName, outgoing: _Outgoing, inboxes: list[str]) -> None:
    now, trace = datetime.now(UTC), secrets.token_hex(16)
    sent = SentActivity(
        uri=outgoing.uri,
        type=outgoing.type,
        actor_id=sender.id,
        subject=outgoing.subject,
        body=outgoing.body,
        trace=trace,
        created_at=now,
    )
    await delivery_plans.insert_activities(conn, [sent])
    await delivery_plans.insert_planned(
        conn,
        [
            Planned(activity_uri=outgoing.uri, inbox=inbox, host=host_of(inbox), shared=False, created_at=now)
            for inbox in inboxes
        ],
    )
    await delivery_plans.mark_planned(conn, [outgoing.uri])
    by_shard: dict[int, list[str]] = {}
    for inbox in inboxes:
        by_shard.setdefault(shard_of(host_of(inbox)), []).append(inbox)
    messages = [
        outbox.OutboxMessage(queue=deliver_queue(shard), payload=_codec.encode([_delivery(sent, part)]))
        for shard, members in by_shard.items()
        for part in _parts(members)
    ]
    await outbox.enqueue(conn, messages)


def _parts(members: list[str]) -> list[list[str]]:
    return [members[start : start + MAX_ITEMS] for start in range(0, len(members), MAX_ITEMS)]


def _delivery(sent: SentActivity, inboxes: list[str]) -> Delivery:
    return Delivery(
        activity_id=sent.uri,
        activity_type=sent.type,
        actor_id=sent.actor_id,
        body=sent.body,
        targets=tuple(Target(inbox=inbox) for inbox in inboxes),
        created_at=sent.created_at,
        trace=sent.trace,
    )
