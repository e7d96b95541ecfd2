"""One attempt at one inbox."""

from datetime import UTC, datetime

from services.fanout_deliverer.courier import Answer, Courier
from services.fanout_deliverer.signers import Signers
from shared.database.hosts import Host
from shared.protocol.messages import Delivery, Target
from shared.remote.errors import TimedOut
from tests.fakes.remote_host import RemoteHost
from tests.integration.world import World

DEADLINE = 1.5


async def _attempt(world: World, host: RemoteHost) -> Answer:
    ada, signers = await world.account("ada"), Signers(world.secret_key)
    async with world.pool.acquire() as conn:
        await signers.load(conn, [ada])
    target = Target(inbox=f"{host.origin}/inbox", shared=True)
    delivery = Delivery(
        activity_id="http://loom.localhost:8080/activities/1",
        activity_type="Create",
        actor_id=ada,
        body=b'{"id": "http://loom.localhost:8080/activities/1", "type": "Create"}',
        targets=(target,),
        created_at=datetime.now(UTC),
        trace="",
    )
    courier = Courier(world.client, signers, world.uris, deadline=DEADLINE)
    return await courier.bring(delivery, target, Host(host=host.authority))


async def test_both_knocks_share_one_deadline(world: World) -> None:
    """A host that is slow to refuse one signature has only what is left of the time for the other."""
    birch = world.remote.host("birch")
    birch.schemes = frozenset({"rfc9421"})
    birch.behave("/inbox", delay=1.0)
    answer = await _attempt(world, birch)
    assert (answer.status, answer.failure) == (401, None)
    assert DEADLINE <= answer.seconds < 2 * DEADLINE


async def test_dripping_answer_ends_at_the_deadline(world: World) -> None:
    """A host that sends its answer byte by byte costs a slot no longer than the deadline."""
    birch = world.remote.host("birch")
    birch.behave("/inbox", drip=0.5, body=b"x" * 64)
    answer = await _attempt(world, birch)
    assert isinstance(answer.failure, TimedOut)


async def test_answer_that_ends_early_or_lies_about_its_length_is_no_answer(world: World) -> None:
    """A connection that breaks in the middle of the answer counts as the host's trouble."""
    birch = world.remote.host("birch")
    birch.behave("/inbox", close_early=True)
    answer = await _attempt(world, birch)
    assert answer.status is None
    assert answer.failure is not None
    assert answer.failure.reason == "answer_broken"


async def test_redirect_is_an_answer_and_not_followed(world: World) -> None:
    """A redirected delivery is not sent elsewhere."""
    birch, fir = world.remote.host("birch"), world.remote.host("fir")
    birch.behave("/inbox", redirect=f"{fir.origin}/inbox")
    answer = await _attempt(world, birch)
    assert answer.status == 302
    assert fir.received == []
