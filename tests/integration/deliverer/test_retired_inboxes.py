"""Inboxes and hosts that say they are gone are left alone."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from shared.database import retired_inboxes
from shared.database.hosts import Success, record_successes
from shared.database.retired_inboxes import Gone
from tests.integration.deliverer.running import RunningDeliverer
from tests.integration.world import World

SHARED = "https://birch.example/inbox"


async def test_gone_inbox_is_retired_and_its_host_is_not(deliverer: RunningDeliverer) -> None:
    """After a 410 from one person's inbox nothing more is planned for it; others of the host get theirs."""
    world, host = deliverer.world, deliverer.world.remote.host("birch")
    ada = await world.account("ada")
    people = [host.actor(name, "gotosocial") for name in ("nora", "emil")]
    for person in people:
        await world.follow(person.id, ada)
    inboxes = [(await world.resolver.actor(person.id)).inbox for person in people]
    host.behave(inboxes[0].removeprefix(host.origin), status=410)
    first, second = deliverer.post(ada), deliverer.post(ada)
    await deliverer.send(first)
    await deliverer.until(first, dead=1, delivered=1)
    host.behave_well()
    await deliverer.send(second)
    await deliverer.until(second, delivered=1)
    assert [one.inbox for one in await deliverer.record(second)] == [inboxes[1]]


async def _answers(world: World, moments: Iterable[datetime]) -> list[list[str]]:
    async with world.pool.acquire() as conn:
        return [
            await retired_inboxes.note_gone(
                conn, [Gone(inbox=SHARED, host="birch.example", shared=True, at=at)]
            )
            for at in moments
        ]


async def test_shared_inbox_speaks_for_its_host_once_confirmed(world: World) -> None:
    """A host that answers 410 is retired when it says so again a day later, and back after a month."""
    now = datetime.now(UTC)
    first, soon, late = now - timedelta(hours=25), now - timedelta(hours=20), now
    assert await _answers(world, [first, soon, late]) == [[], [], [SHARED]]
    async with world.pool.acquire() as conn:
        assert await retired_inboxes.retired(conn, [SHARED, "https://fir.example/inbox"]) == {SHARED}
        await retired_inboxes.reinstate(conn, "birch.example")
        assert await retired_inboxes.retired(conn, [SHARED]) == set()


async def test_host_that_took_something_between_is_not_retired(world: World) -> None:
    """A delivery that was taken between two 410s starts the count anew."""
    now = datetime.now(UTC)
    first, taken, late = now - timedelta(hours=30), now - timedelta(hours=10), now
    await _answers(world, [first])
    async with world.pool.acquire() as conn:
        await record_successes(conn, [Success(host="birch.example", scheme="cavage", at=taken)])
    assert await _answers(world, [late, now + timedelta(hours=25)]) == [[], [SHARED]]
