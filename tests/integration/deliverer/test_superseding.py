"""What is parked is not sent once something newer makes it pointless."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from shared.database import deliveries, delivery_plans, parked_deliveries, superseding
from shared.database.deliveries import Progress, State
from shared.database.delivery_plans import Planned, SentActivity
from shared.protocol.activities import Activity, Create
from shared.protocol.identifiers import uri_hash
from tests.builders import parsed
from tests.fakes.remote_host import RemoteHost
from tests.integration.deliverer.running import RunningDeliverer
from tests.integration.world import World

NOW = datetime.now(UTC)
INBOX = "https://oak.example/inbox"
CREATED = SentActivity(
    uri="https://loom.example/1/activity",
    type="Create",
    actor_id=0,
    subject="https://loom.example/1",
    body=b"{}",
    trace="",
    created_at=NOW,
)


@dataclass
class Trouble:
    """A host that answers 500, with a follower of a local account."""

    deliverer: RunningDeliverer
    host: RemoteHost
    ada: int

    def update(self, created: Activity, number: int) -> Activity:
        """Return an Update of a post."""
        assert isinstance(created, Create)
        note = replace(created.note, content=f"version {number}")
        return parsed.update(note, id=f"{note.id}#updates/{number}")

    async def park(self, *activities: Activity) -> None:
        """Send these, one after the other, and see them parked."""
        for activity in activities:
            await self.deliverer.send(activity)
            await self.deliverer.until(activity, parked=1)

    async def recover(self) -> None:
        """Let the host answer well and be tried."""
        self.host.behave_well()
        await self.deliverer.probe(self.host.authority)

    async def make_due(self, activity: Activity) -> None:
        """Let an activity that waits for its own sake be due now."""
        async with self.deliverer.world.pool.acquire() as conn:
            await conn.execute(
                """
                UPDATE deliveries SET next_try_at = $1
                 WHERE state = 2 AND activity_hash IN
                       (SELECT activity_hash FROM sent_activities WHERE activity_uri = $2)
                """,
                datetime.now(UTC) - timedelta(seconds=1),
                activity.id,
            )
        await self.deliverer.probe(self.host.authority)

    def arrived(self) -> list[object]:
        """Return the ids of what the host took, in order."""
        return [one.activity["id"] for one in self.host.activities()]


@pytest.fixture
async def trouble(deliverer: RunningDeliverer) -> Trouble:
    """Return a host in trouble."""
    host = deliverer.world.remote.host("birch")
    ada = await deliverer.world.account("ada")
    await deliverer.world.follow(host.actor("nora").id, ada)
    host.behave("/inbox", status=500)
    return Trouble(deliverer, host, ada)


async def test_what_is_deleted_is_not_sent_any_more(trouble: Trouble) -> None:
    """After a plain 500 to a Create, its Delete goes out alone, and the Create never follows."""
    post, later = trouble.deliverer.post(trouble.ada), trouble.deliverer.post(trouble.ada)
    delete = trouble.deliverer.delete(post)
    await trouble.park(post, delete)
    await trouble.recover()
    await trouble.deliverer.until(delete, delivered=1)
    await trouble.make_due(post)
    await trouble.deliverer.until(post, superseded=1)
    await trouble.deliverer.send(later)
    await trouble.deliverer.until(later, delivered=1)
    assert trouble.arrived() == [delete.id, later.id]


async def test_only_the_newest_update_is_sent(trouble: Trouble) -> None:
    """Of several parked Updates of a post only the newest goes out, after the Create."""
    post = trouble.deliverer.post(trouble.ada)
    updates = [trouble.update(post, number) for number in range(3)]
    await trouble.park(post, *updates)
    await trouble.recover()
    for update in updates[:2]:
        await trouble.deliverer.until(update, superseded=1)
    await trouble.make_due(post)
    await trouble.make_due(updates[2])
    await trouble.deliverer.until(post, delivered=1)
    await trouble.make_due(updates[2])
    await trouble.deliverer.until(updates[2], delivered=1)
    assert trouble.arrived() == [post.id, updates[2].id]


async def test_a_deleted_account_takes_its_profile_and_posts_back(trouble: Trouble) -> None:
    """The Delete of an account makes all that is parked of it pointless."""
    post = trouble.deliverer.post(trouble.ada)
    gone = parsed.delete(post.actor, post.actor, id=f"{post.actor}#delete", to=("as:Public",))
    await trouble.park(post, gone)
    await trouble.recover()
    await trouble.deliverer.until(gone, delivered=1)
    await trouble.make_due(post)
    await trouble.deliverer.until(post, superseded=1)
    assert trouble.arrived() == [gone.id]


async def test_update_in_bulk_does_not_pass_a_create_that_was_let_go(world: World) -> None:
    """An Update waits for its Create not only while that is parked, but until it is settled after that."""
    created = replace(CREATED, actor_id=await world.account("ada"))
    updated = replace(created, uri=f"{created.uri}#update", type="Update")
    async with world.pool.acquire() as conn:
        await delivery_plans.insert_activities(conn, [created, updated])
        rows = [
            Planned(activity_uri=one.uri, inbox=INBOX, host="oak.example", shared=True, created_at=NOW)
            for one in (created, updated)
        ]
        await delivery_plans.insert_planned(conn, rows)
        keys = [(uri_hash(updated.uri), INBOX)]
        assert not await superseding.behind_parked(conn, keys), "what is on its way is before it in its lane"
        progress = Progress(activity_uri=created.uri, inbox=INBOX, state=State.PARKED, reason="host_slow")
        await deliveries.record(conn, [progress])
        assert set(await superseding.behind_parked(conn, keys)) == set(keys)
        await parked_deliveries.mark_queued(
            conn, await parked_deliveries.lock_parked(conn, "oak.example", NOW, 1)
        )
        assert set(await superseding.behind_parked(conn, keys)) == set(keys)
        await deliveries.record(conn, [replace(progress, state=State.DELIVERED, reason="")])
        assert not await superseding.behind_parked(conn, keys)
