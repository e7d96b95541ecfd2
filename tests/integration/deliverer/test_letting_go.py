"""Deliveries that are settled for long are let go, and nobody is forgotten who has to hear of a deletion."""

import asyncio
from datetime import timedelta

from services.timeline_builder import letting_go
from shared.database import deliveries, delivery_plans, delivery_reports, retention
from shared.database.deliveries import Progress, State
from shared.database.delivery_plans import Planned, SentActivity
from shared.database.pool import Connection
from shared.database.retention import FROM_THE_FIRST, Kept, LetGo
from shared.protocol.identifiers import host_of, uri_hash
from tests.infrastructure import eventually
from tests.integration.deliverer.crowd import crowd
from tests.integration.deliverer.running import RunningDeliverer
from tests.integration.world import World

KEPT = Kept()
HOSTS = 5


async def _age(conn: Connection, days: int) -> None:
    """Let time pass."""
    await conn.execute(
        "UPDATE sent_activities SET created_at = created_at - $1::interval", timedelta(days=days)
    )


async def _once(world: World) -> LetGo:
    return await letting_go.once(world.pool, KEPT, asyncio.Event())


async def _rows(conn: Connection) -> dict[str, int]:
    tables = ("sent_activities", "deliveries", "told_of_objects", "told_by_actors")
    return {table: await conn.fetchval(f"SELECT count(*) FROM {table}") for table in tables}  # noqa: S608


async def test_deletion_goes_where_a_post_went_that_was_let_go(
    world: World, deliverer: RunningDeliverer
) -> None:
    """A Delete reaches every server that was told of the post, though no row of it is left."""
    ada = await world.account("ada")
    hosts = await crowd(world, ada, HOSTS)
    post = deliverer.post(ada)
    await deliverer.send(post)
    await deliverer.until(post, delivered=HOSTS)
    async with world.pool.acquire() as conn:
        await _age(conn, 31)
        assert await _once(world) == LetGo(activities=1, deliveries=HOSTS)
        assert await _rows(conn) == {
            "sent_activities": 0,
            "deliveries": 0,
            "told_of_objects": 1,
            "told_by_actors": HOSTS,
        }
        await conn.execute("DELETE FROM follows")
    delete = deliverer.delete(post)
    await deliverer.send(delete)
    await deliverer.until(delete, delivered=HOSTS)
    for host in hosts:
        await host.wait_for("Delete")


async def test_receipts_of_a_deletion_are_kept_longer(world: World, deliverer: RunningDeliverer) -> None:
    """Who confirmed a deletion can be seen for a year; then nothing is left of the post at all."""
    ada = await world.account("ada")
    await crowd(world, ada, 1)
    post = deliverer.post(ada)
    delete = deliverer.delete(post)
    await deliverer.send(post, delete)
    await deliverer.until(delete, delivered=1)
    async with world.pool.acquire() as conn:
        await _age(conn, 31)
        await _once(world)
        assert await deliverer.states(delete) == {State.DELIVERED: 1}
        assert (await _rows(conn))["told_of_objects"] == 1
        await _age(conn, 335)
        assert await _once(world) == LetGo(activities=1, deliveries=1)
        assert (await _rows(conn))["told_of_objects"] == 0


async def _record(
    conn: Connection, actor_id: int, uri: str, states: dict[str, State], kind: str = "Like"
) -> None:
    row = await conn.fetchrow("SELECT now() - interval '40 days' AS at")
    assert row is not None
    sent = SentActivity(
        uri=uri, type=kind, actor_id=actor_id, subject=uri, body=b"{}", trace="", created_at=row["at"]
    )
    await delivery_plans.insert_activities(conn, [sent])
    planned = [
        Planned(activity_uri=uri, inbox=inbox, host=host_of(inbox), shared=True, created_at=row["at"])
        for inbox in states
    ]
    await delivery_plans.insert_planned(conn, planned)
    progress = [Progress(activity_uri=uri, inbox=inbox, state=state) for inbox, state in states.items()]
    await deliveries.record(conn, progress)
    await delivery_plans.mark_planned(conn, [uri])


async def test_what_waits_is_never_let_go(world: World) -> None:
    """However old an activity is, it stays whole while one delivery of it is on its way or parked."""
    oak, fir = "https://oak.example/inbox", "https://fir.example/inbox"
    async with world.pool.acquire() as conn:
        for waiting in (State.QUEUED, State.PARKED):
            states = {oak: State.DELIVERED, fir: waiting}
            await _record(conn, 1, f"https://loom.example/{waiting}", states)
        assert await _once(world) == LetGo()
        await conn.execute("UPDATE deliveries SET state = $1", State.DEAD)
        assert await retention.count_due(conn, KEPT) == LetGo(activities=2, deliveries=4)
        assert await _once(world) == LetGo(activities=2, deliveries=4)


async def test_what_is_tried_again_meanwhile_stays(world: World) -> None:
    """A delivery that an operator has tried again while it is about to be let go is not let go."""
    async with world.pool.acquire() as conn, world.pool.acquire() as operator:
        await _record(conn, 1, "https://loom.example/1", {"https://oak.example/inbox": State.DEAD})
        async with operator.transaction():
            assert await delivery_reports.revive(operator, limit=1) == 1
            letting = asyncio.create_task(_once(world))

            async def waits() -> bool:
                found: int = await conn.fetchval(
                    """SELECT count(*) FROM pg_stat_activity
                        WHERE datname = current_database() AND wait_event_type = 'Lock'"""
                )
                return found == 1

            await eventually(waits, "one to wait for the other")
        assert await letting == LetGo()
        assert await conn.fetchval("SELECT state FROM deliveries") == State.PARKED


async def test_large_activity_goes_in_portions(world: World) -> None:
    """Between two portions of one activity its receivers are all known, and each is once."""
    uri, inboxes = "https://loom.example/1", [f"https://host{n}.example/inbox" for n in range(25)]
    async with world.pool.acquire() as conn:
        await _record(conn, 7, uri, dict.fromkeys(inboxes, State.DELIVERED))
        await _record(conn, 7, "https://loom.example/2", {inboxes[3]: State.DELIVERED})
        portions = []
        while due := await retention.lock_due(conn, KEPT, FROM_THE_FIRST, 10):
            async with conn.transaction():
                gone = await retention.let_go(conn, [one.activity_hash for one in due], 10)
            portions.append(gone.deliveries)
            told = await delivery_plans.receivers_of_subject(conn, uri, "", 100)
            assert [one.inbox for one in told] == sorted(inboxes)
            page = await delivery_plans.receivers_of_actor(conn, 7, sorted(inboxes)[4], 10)
            assert [one.inbox for one in page] == sorted(inboxes)[5:15]
        assert portions == [10, 10, 6]
        folded = await conn.fetchval(
            "SELECT inboxes FROM told_of_objects WHERE object_hash = $1", uri_hash(uri)
        )
        assert len(folded) == len(set(folded)) == 25


async def test_of_an_account_that_is_deleted_nothing_stays(world: World) -> None:
    """Once the Delete of an account itself is let go, so is whom the account ever told of what."""
    ada = await world.account("ada")
    uri, inbox = world.uris.actor(ada), "https://oak.example/inbox"
    async with world.pool.acquire() as conn:
        await _record(conn, ada, "https://loom.example/1", {inbox: State.DELIVERED})
        await _record(conn, ada, uri, {inbox: State.DELIVERED}, kind="Delete")
        await _once(world)
        assert (await _rows(conn))["told_by_actors"] == 1
        await _age(conn, 365)
        await _once(world)
        assert set((await _rows(conn)).values()) == {0}


async def test_running_builder_lets_go_by_itself(world: World) -> None:
    """What is due goes without anybody asking."""
    stopping = asyncio.Event()
    async with world.pool.acquire() as conn:
        await _record(conn, 1, "https://loom.example/1", {"https://oak.example/inbox": State.DEAD})
        running = asyncio.create_task(letting_go.run(world.pool, KEPT, stopping))

        async def gone() -> bool:
            return not (await _rows(conn))["deliveries"]

        await eventually(gone, "the delivery to go")
        stopping.set()
        await running
