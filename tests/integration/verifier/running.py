"""Starts a verifier in this process, posts requests to its queue and collects what comes out."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

from services.signature_verifier.verifier import Verifier
from shared.database import refusals
from shared.database.refusals import Refusal
from shared.protocol.messages import AcceptedActivity, Codec, ReceivedRequest
from shared.queue.connection import connect
from shared.queue.consumer import BatchConsumer
from shared.queue.publisher import Publisher
from shared.queue.topology import ACTIVITY_ACCEPTED, INBOX_RECEIVED, INBOX_UNRESOLVED
from shared.telemetry.logging import new_trace
from tests.fakes.remote_actor import Json, RemoteActor
from tests.fakes.signing import Signing
from tests.infrastructure import eventually
from tests.integration.world import World

QUEUES = (INBOX_RECEIVED, INBOX_UNRESOLVED, ACTIVITY_ACCEPTED)


@dataclass
class RunningVerifier:
    """The verifier, its way in and its way out."""

    world: World
    publisher: Publisher
    accepted: list[AcceptedActivity] = field(default_factory=list)

    def request(
        self,
        signer: RemoteActor,
        activity: Json,
        how: Signing | str = "cavage",
        *,
        received_at: datetime | None = None,
        body: bytes | None = None,
    ) -> ReceivedRequest:
        """Return a request as the receiver queues it; `body` replaces what was signed."""
        signed = json.dumps(activity).encode()
        inbox = self.world.uris.shared_inbox
        headers = signer.signed("POST", inbox, signed, how)
        return ReceivedRequest(
            method="POST",
            target=urlsplit(inbox).path,
            headers=tuple((name.lower(), value) for name, value in headers.items()),
            body=signed if body is None else body,
            received_at=received_at or datetime.now(UTC),
            trace=new_trace(),
            activity_id=str(activity.get("id", "")),
            activity_type=str(activity["type"]),
            actor=str(activity["actor"]),
        )

    async def post(self, *requests: ReceivedRequest, queue: str = INBOX_RECEIVED) -> None:
        """Put requests on the queue, in one message."""
        await self.publisher.publish(queue, Codec(ReceivedRequest), requests)

    async def deliver(
        self, signer: RemoteActor, activity: Json, how: Signing | str = "cavage"
    ) -> ReceivedRequest:
        """Sign an activity and put it on the queue."""
        request = self.request(signer, activity, how)
        await self.post(request)
        return request

    async def until_accepted(self, *activity_ids: object) -> Sequence[AcceptedActivity]:
        """Wait until these activities were passed on, and return them in this order."""

        def found() -> dict[str, AcceptedActivity]:
            return {one.activity.id: one for one in self.accepted}

        await eventually(lambda: set(activity_ids) <= found().keys(), f"{activity_ids} to be accepted")
        return [found()[str(activity_id)] for activity_id in activity_ids]

    async def until_refused(self, activity_id: object) -> Refusal:
        """Wait until an activity was refused, and return how."""
        rows: list[Refusal] = []

        async def refused() -> bool:
            async with self.world.pool.acquire() as conn:
                rows[:] = await refusals.of_activity(conn, str(activity_id))
            return bool(rows)

        await eventually(refused, f"{activity_id} to be refused")
        assert str(activity_id) not in {one.activity.id for one in self.accepted}
        return rows[0]

    async def set_for_later(self) -> list[ReceivedRequest]:
        """Return the requests that are to be tried again later."""
        async with self.world.pool.acquire() as conn:
            rows = await conn.fetch(
                "SELECT payload FROM outbox WHERE queue = $1 ORDER BY id", INBOX_UNRESOLVED
            )
        codec = Codec(ReceivedRequest)
        return [request for row in rows for request in codec.decode(row["payload"])]


@asynccontextmanager
async def run_verifier(world: World, broker_url: str) -> AsyncIterator[RunningVerifier]:
    """Run a verifier until the end of the `async with`."""
    async with connect(broker_url, "test", QUEUES) as broker:
        await broker.wait_until_up()
        publisher = Publisher(broker)
        running = RunningVerifier(world, publisher)

        async def collect(items: Sequence[AcceptedActivity]) -> None:
            running.accepted.extend(items)

        verifier = Verifier(
            pool=world.pool,
            publisher=publisher,
            resolver=world.resolver,
            uris=world.uris,
            blocks=world.blocks,
        )
        fast, slow = verifier.consumers(broker)
        out = BatchConsumer(broker, ACTIVITY_ACCEPTED, Codec(AcceptedActivity), collect)
        async with fast, slow, out:
            yield running
