"""Starts a deliverer in this process, hands it activities by its queue and reads its record."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from msgspec.structs import replace

from services.fanout_deliverer.allowance import Allowances
from services.fanout_deliverer.deliverer import Deliverer
from shared.database import delivery_reports, hosts
from shared.database.deliveries import State
from shared.database.delivery_reports import DeliveryReport
from shared.protocol.activities import Activity, type_name
from shared.protocol.identifiers import PUBLIC
from shared.protocol.messages import AcceptedActivity, Codec
from shared.queue.connection import connect
from shared.queue.publisher import Publisher
from shared.queue.topology import DELIVER_QUEUES, FANOUT_PLAN
from tests.builders import parsed
from tests.infrastructure import eventually
from tests.integration.world import World

QUEUES = (FANOUT_PLAN, *DELIVER_QUEUES)


@dataclass
class RunningDeliverer:
    """The way into a deliverer, and its record."""

    world: World
    publisher: Publisher

    def post(self, author: int, **changes: object) -> Activity:
        """Return the Create of a public post by a local account, for its followers."""
        return post_of(self.world, author, **changes)

    def delete(self, created: Activity) -> Activity:
        """Return the Delete of a post, to everybody."""
        note = created.id.removesuffix("/activity")
        return parsed.delete(note, created.actor, id=f"{note}#delete", to=(PUBLIC,))

    async def send(self, *activities: Activity) -> None:
        """Put activities on the plan queue, in one message."""
        items = [message_of(activity) for activity in activities]
        await self.publisher.publish(FANOUT_PLAN, Codec(AcceptedActivity), items)

    async def relay_outbox(self) -> None:
        """Put what actions left in the outbox on the plan queue."""
        async with self.world.pool.acquire() as conn:
            rows = await conn.fetch("DELETE FROM outbox WHERE queue = $1 RETURNING payload", FANOUT_PLAN)
        codec = Codec(AcceptedActivity)
        items = [item for row in rows for item in codec.decode(row["payload"])]
        await self.publisher.publish(FANOUT_PLAN, codec, items)

    async def record(self, activity: Activity) -> list[DeliveryReport]:
        """Return what is recorded of an activity's deliveries."""
        async with self.world.pool.acquire() as conn:
            return await delivery_reports.deliveries_of(conn, activity.id)

    async def states(self, activity: Activity) -> Counter[State]:
        """Return how many deliveries of an activity are in which state."""
        return Counter(one.state for one in await self.record(activity))

    async def until(self, activity: Activity, **expected: int) -> None:
        """Wait until so many deliveries of an activity are in these states, and no others are recorded."""
        wanted = Counter({State[name.upper()]: count for name, count in expected.items()})

        async def reached() -> bool:
            return await self.states(activity) == wanted

        try:
            await eventually(reached, f"{expected} of {activity.id}")
        except AssertionError as error:
            raise AssertionError(f"{error}; recorded: {await self.record(activity)}") from None

    async def planned(self, activity: Activity) -> None:
        """Wait until an activity is planned to its end."""

        async def reached() -> bool:
            async with self.world.pool.acquire() as conn:
                sent = await delivery_reports.sent_activity(conn, activity.id)
            return sent is not None and sent.planned_at is not None

        await eventually(reached, f"the plan of {activity.id}")

    async def probe(self, host: str) -> None:
        """Have a host tried now."""
        async with self.world.pool.acquire() as conn:
            assert await hosts.probe_now(conn, host)

    async def host(self, host: str) -> hosts.Host:
        """Return what is recorded of a host."""
        async with self.world.pool.acquire() as conn:
            return (await hosts.known_hosts(conn, [host]))[host]


def post_of(world: World, author: int, **changes: object) -> Activity:
    """Return the Create of a public post by a local account, for its followers."""
    status = world.ids.next()
    note = parsed.note(
        world.uris.actor(author), id=world.uris.status(status), cc=(world.uris.followers(author),), **changes
    )
    return parsed.create(note, id=world.uris.create(status))


def message_of(activity: Activity) -> AcceptedActivity:
    """Return the message that asks for an activity to be sent."""
    wire = {
        "@context": "https://www.w3.org/ns/activitystreams",
        "id": activity.id,
        "type": type_name(activity),
        "actor": activity.actor,
    }
    return replace(parsed.accepted(activity), local=True, body=json.dumps(wire).encode())


@asynccontextmanager
async def run_deliverer(
    world: World, broker_url: str, allowances: Allowances | None = None
) -> AsyncIterator[RunningDeliverer]:
    """Run a deliverer until the end of the `async with`."""
    async with connect(broker_url, "test", QUEUES) as broker:
        await broker.wait_until_up()
        publisher = Publisher(broker)
        parts = Deliverer(
            pool=world.pool,
            publisher=publisher,
            resolver=world.resolver,
            client=world.client,
            uris=world.uris,
            blocks=world.blocks,
            secret_key=world.secret_key,
            allowances=allowances,
        )
        background: list[asyncio.Task[None]] = []
        async with parts.running(broker, background.append):
            yield RunningDeliverer(world, publisher)
            assert [task.get_name() for task in background if task.done()] == []
