"""How fast a backlog flows: as fast as its host takes it."""

from datetime import UTC, datetime, timedelta

from services.fanout_deliverer.backlog import PROBE_LEASE, Backlog
from shared.database import deliveries, delivery_plans, hosts
from shared.database.deliveries import Progress, State
from shared.database.delivery_plans import Planned, SentActivity
from shared.database.pool import Connection
from shared.queue.connection import connect
from shared.queue.publisher import Publisher
from shared.queue.topology import DELIVER_QUEUES
from tests.integration.world import World

HOST = "birch.example"
INBOX = f"https://{HOST}/inbox"
URIS = [f"http://loom.localhost:8080/activities/{number}" for number in range(20)]
NOW = datetime.now(UTC)


async def _park(conn: Connection) -> None:
    for number, uri in enumerate(URIS):
        at = NOW - timedelta(hours=1) + timedelta(seconds=number)
        sent = SentActivity(
            uri=uri, type="Create", actor_id=1, subject=uri, body=b"{}", trace="", created_at=at
        )
        await delivery_plans.insert_activities(conn, [sent])
        row = Planned(activity_uri=uri, inbox=INBOX, host=HOST, shared=True, created_at=at)
        await delivery_plans.insert_planned(conn, [row])
    parked = [Progress(activity_uri=uri, inbox=INBOX, state=State.PARKED) for uri in URIS]
    await deliveries.record(conn, parked)
    await hosts.slow_down(conn, {HOST: NOW})


async def _queued(conn: Connection) -> list[str]:
    rows = await conn.fetch(
        "SELECT activity_uri FROM deliveries JOIN sent_activities USING (activity_hash) WHERE state = 0"
    )
    return sorted(row["activity_uri"] for row in rows)


async def _deliver(conn: Connection, uris: list[str]) -> None:
    done = [Progress(activity_uri=uri, inbox=INBOX, state=State.DELIVERED, status=202) for uri in uris]
    await deliveries.record(conn, done)


async def test_host_gets_more_once_it_has_taken_what_it_got(world: World, broker_url: str) -> None:
    """Nothing is added to what is under way, however long the host takes; then the pace grows."""
    async with connect(broker_url, "test", DELIVER_QUEUES) as broker, world.pool.acquire() as conn:
        await broker.wait_until_up()
        backlog = Backlog(world.pool, Publisher(broker))
        await _park(conn)
        seconds = 1
        for expected in (1, 2, 4):
            await backlog.release(NOW + timedelta(seconds=seconds))
            under_way = await _queued(conn)
            assert len(under_way) == expected
            for _ in range(3):
                seconds += 2
                await backlog.release(NOW + timedelta(seconds=seconds))
                assert await _queued(conn) == under_way
            assert (await hosts.known_hosts(conn, [HOST]))[HOST].held
            await _deliver(conn, under_way)
            seconds += 2


async def test_what_was_lost_on_its_way_holds_nothing_up_for_ever(world: World, broker_url: str) -> None:
    """A delivery of which nothing is heard for long does not keep the rest of its host's waiting."""
    async with connect(broker_url, "test", DELIVER_QUEUES) as broker, world.pool.acquire() as conn:
        await broker.wait_until_up()
        backlog = Backlog(world.pool, Publisher(broker))
        await _park(conn)
        await backlog.release(NOW + timedelta(seconds=1))
        lost = await _queued(conn)
        await backlog.release(NOW + timedelta(seconds=3) + PROBE_LEASE)
        assert len(await _queued(conn)) > len(lost)
