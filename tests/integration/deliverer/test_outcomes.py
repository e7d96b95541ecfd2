"""What becomes of deliveries when the other side is in trouble, or wants things otherwise."""

from datetime import UTC, datetime, timedelta

import pytest

from services.fanout_deliverer.profiles import Profiles
from shared.database import console_reads, hosts
from shared.protocol.identifiers import host_of
from shared.protocol.messages import Codec, Delivery, Target
from shared.queue.topology import deliver_queue, shard_of
from tests.fakes.remote_host import RemoteHost
from tests.infrastructure import eventually
from tests.integration.deliverer.running import RunningDeliverer, message_of


@pytest.fixture
async def birch(deliverer: RunningDeliverer) -> RemoteHost:
    """Return a remote host."""
    return deliverer.world.remote.host("birch")


@pytest.fixture
async def ada(deliverer: RunningDeliverer, birch: RemoteHost) -> int:
    """Return a local account with a follower on `birch`."""
    account = await deliverer.world.account("ada")
    await deliverer.world.follow(birch.actor("nora").id, account)
    return account


async def test_other_signature_is_tried_and_remembered(
    deliverer: RunningDeliverer, birch: RemoteHost, ada: int
) -> None:
    """A host that takes RFC 9421 only is knocked at twice once, and signed for rightly from then on."""
    birch.schemes = frozenset({"rfc9421"})
    first, second = deliverer.post(ada), deliverer.post(ada)
    await deliverer.send(first)
    await deliverer.until(first, delivered=1)
    await deliverer.send(second)
    await deliverer.until(second, delivered=1)
    assert [(one.scheme, one.status) for one in birch.received] == [
        ("cavage", 401),
        ("rfc9421", 202),
        ("rfc9421", 202),
    ]


async def test_trouble_is_kept_per_host_and_order_holds(
    deliverer: RunningDeliverer, birch: RemoteHost, ada: int
) -> None:
    """A host in trouble is tried once, not once per delivery; later all arrives in the order of sending."""
    birch.behave("/inbox", status=503)
    posts = [deliverer.post(ada) for _ in range(6)]
    delete = deliverer.delete(posts[0])
    await deliverer.send(posts[0])
    await deliverer.until(posts[0], parked=1)
    await deliverer.send(*posts[1:], delete)
    for waiting in (*posts[1:], delete):
        await deliverer.until(waiting, parked=1)
    assert len(birch.received) == 1
    birch.behave_well()
    await deliverer.probe(birch.authority)
    for waiting in (*posts[1:], delete):
        await deliverer.until(waiting, delivered=1)
    await deliverer.until(posts[0], superseded=1)
    arrived = [one.activity["id"] for one in birch.activities()]
    assert arrived == [*(post.id for post in posts[1:]), delete.id]

    async def calm() -> bool:
        return not (await deliverer.host(birch.authority)).held

    await eventually(calm, "the host to be trusted again")


async def test_probe_is_one_request_for_a_whole_backlog(
    deliverer: RunningDeliverer, birch: RemoteHost, ada: int
) -> None:
    """While a host fails, each probe costs it one request, however much waits for it."""
    birch.behave("/inbox", status=502)
    posts = [deliverer.post(ada) for _ in range(20)]
    await deliverer.send(*posts)
    for post in posts:
        await deliverer.until(post, parked=1)
    failures = (await deliverer.host(birch.authority)).failures
    tried = len(birch.received)
    await deliverer.probe(birch.authority)

    async def failed_again() -> bool:
        return (await deliverer.host(birch.authority)).failures == failures + 1

    await eventually(failed_again, "the probe to fail")
    assert len(birch.received) == tried + 1


async def test_deliveries_of_one_outage_count_once(
    deliverer: RunningDeliverer, birch: RemoteHost, ada: int
) -> None:
    """Requests that were in flight together when a host failed make it one failure, not several."""
    others = [await deliverer.world.account(name) for name in ("grace", "joan", "mary")]
    for author in others:
        await deliverer.world.follow(birch.actor("nora").id, author)
    birch.behave("/inbox", status=503, delay=0.5)
    posts = [deliverer.post(author) for author in (ada, *others)]
    await deliverer.send(*posts)
    for post in posts:
        await deliverer.until(post, parked=1)
    assert (await deliverer.host(birch.authority)).failures == 1


async def test_retry_after_is_honoured(deliverer: RunningDeliverer, birch: RemoteHost, ada: int) -> None:
    """A host that asks for an hour is left alone for an hour."""
    birch.behave("/inbox", status=429, headers={"Retry-After": "3600"})
    post = deliverer.post(ada)
    await deliverer.send(post)
    await deliverer.until(post, parked=1)
    at = (await deliverer.host(birch.authority)).next_try_at
    assert at is not None
    assert at - datetime.now(UTC) > timedelta(minutes=55)


@pytest.mark.parametrize(
    ("status", "reason"), [(400, "http_400"), (410, "host_gone"), (422, "http_422"), (413, "http_413")]
)
async def test_final_answer_is_a_visible_end(
    deliverer: RunningDeliverer, birch: RemoteHost, ada: int, status: int, reason: str
) -> None:
    """An answer that will not change ends the delivery, with its status and reason; the host is not held."""
    birch.behave("/inbox", status=status)
    post = deliverer.post(ada)
    await deliverer.send(post)
    await deliverer.until(post, dead=1)
    (report,) = await deliverer.record(post)
    assert (report.status, report.reason) == (status, reason)
    birch.behave_well()
    second = deliverer.post(ada)
    await deliverer.send(second)
    await deliverer.until(second, delivered=1)


async def test_plain_500_does_not_block_what_others_take(
    deliverer: RunningDeliverer, birch: RemoteHost, ada: int
) -> None:
    """A delivery that makes a host fail is not the one by which the host is probed next."""
    birch.behave("/inbox", status=500, times=1)
    poison, good = deliverer.post(ada), deliverer.post(ada)
    await deliverer.send(poison)
    await deliverer.until(poison, parked=1)
    await deliverer.send(good)
    await deliverer.until(good, parked=1)
    await deliverer.probe(birch.authority)
    await deliverer.until(good, delivered=1)
    assert (await deliverer.states(poison)).total() == 1


async def test_what_waits_for_seven_days_dies_in_the_open(
    deliverer: RunningDeliverer, birch: RemoteHost, ada: int
) -> None:
    """After a week of failures a delivery becomes a dead letter with its reason, and is not sent."""
    birch.behave("/inbox", reset=True)
    post = deliverer.post(ada)
    await deliverer.send(post)
    await deliverer.until(post, parked=1)
    tried = len(birch.received)
    async with deliverer.world.pool.acquire() as conn:
        await conn.execute("UPDATE deliveries SET created_at = now() - interval '8 days'")
    await deliverer.probe(birch.authority)
    await deliverer.until(post, dead=1)
    (report,) = await deliverer.record(post)
    assert report.reason.startswith("expired: ")
    assert len(birch.received) == tried


async def test_unreachable_hosts_are_parked_with_the_reason(deliverer: RunningDeliverer) -> None:
    """A closed port and a name without an address are told apart, and both are tried again later."""
    world = deliverer.world
    ada = await world.account("ada")
    posts = {}
    for inbox, reason in (
        ("http://closed.localhost:9/inbox", "connect_failed"),
        ("http://nowhere.invalid/inbox", "dns_not_found"),
    ):
        posts[reason] = deliverer.post(ada)
        await _deliver(deliverer, posts[reason].id, ada, inbox)
    for reason, post in posts.items():
        host = {"connect_failed": "closed.localhost:9", "dns_not_found": "nowhere.invalid"}[reason]

        async def failing(host: str = host) -> bool:
            async with world.pool.acquire() as conn:
                return host in await hosts.known_hosts(conn, [host])

        await eventually(failing, f"{host} to be known as failing")
        async with world.pool.acquire() as conn:
            assert await conn.fetchval("SELECT last_error FROM hosts WHERE host = $1", host) in {
                reason,
                "dns_failed",
                "dns_timed_out",
            }, post.id


async def test_private_address_is_never_posted_to(deliverer: RunningDeliverer) -> None:
    """An inbox at an address that is nobody's server is given up at once."""
    ada = await deliverer.world.account("ada")
    post = deliverer.post(ada)
    await _deliver(deliverer, post.id, ada, "http://169.254.169.254/inbox", plan=True)
    await deliverer.until(post, dead=1)
    (report,) = await deliverer.record(post)
    assert report.reason == "address_blocked"


async def test_paused_host_gets_nothing_until_it_is_resumed(
    deliverer: RunningDeliverer, birch: RemoteHost, ada: int
) -> None:
    """What is meant for a paused host waits, and is sent when the operator resumes it."""
    async with deliverer.world.pool.acquire() as conn:
        await hosts.pause(conn, birch.authority, paused=True)
    post = deliverer.post(ada)
    await deliverer.send(post)
    await deliverer.until(post, parked=1)
    assert birch.received == []
    async with deliverer.world.pool.acquire() as conn:
        await hosts.pause(conn, birch.authority, paused=False)
    await deliverer.until(post, delivered=1)


async def test_redelivered_message_sends_nothing_twice(
    deliverer: RunningDeliverer, birch: RemoteHost, ada: int
) -> None:
    """A delivery message that comes again skips what is settled, at once and later."""
    post = deliverer.post(ada)
    for _ in range(3):
        await _deliver(deliverer, post.id, ada, birch.shared_inbox, plan=True)
    await deliverer.until(post, delivered=1)
    await _deliver(deliverer, post.id, ada, birch.shared_inbox)
    last = deliverer.post(ada)
    await deliverer.send(last)
    await deliverer.until(last, delivered=1)
    assert [one.activity["id"] for one in birch.received] == [post.id, last.id]


async def _deliver(
    deliverer: RunningDeliverer, activity_id: str, author: int, inbox: str, *, plan: bool = False
) -> None:
    """Put a delivery into its queue; with `plan`, record it as planned before."""
    world = deliverer.world
    body = message_of(deliverer.post(author)).body.replace(b"\n", b"")
    if plan:
        async with world.pool.acquire() as conn:
            await conn.execute(
                """
                WITH hashed AS (SELECT substr(sha256(convert_to($1, 'UTF8')), 1, 16) AS hash),
                sent AS (
                    INSERT INTO sent_activities
                           (activity_hash, activity_uri, type, actor_id, object_hash, body, trace, created_at)
                    SELECT hash, $1, 'Create', $2, hash, $3, 'trace', now() FROM hashed
                        ON CONFLICT DO NOTHING)
                INSERT INTO deliveries (activity_hash, inbox, host, shared, state, created_at)
                SELECT hash, $4, $5, true, 0, now() FROM hashed ON CONFLICT DO NOTHING
                """,
                activity_id,
                author,
                body,
                inbox,
                host_of(inbox),
            )
    message = Delivery(
        activity_id=activity_id,
        activity_type="Create",
        actor_id=author,
        body=b'{"id": "%s", "type": "Create"}' % activity_id.encode(),
        targets=(Target(inbox=inbox, shared=True),),
        created_at=datetime.now(UTC),
        trace="trace",
    )
    await deliverer.publisher.publish(deliver_queue(shard_of(host_of(inbox))), Codec(Delivery), [message])


async def test_what_a_host_runs_is_asked_for_once(
    deliverer: RunningDeliverer, birch: RemoteHost, ada: int
) -> None:
    """A host that takes deliveries is asked for its software once; its troubles are kept with their times."""
    birch.behave("/inbox", status=503, times=1)
    first, second = deliverer.post(ada), deliverer.post(ada)
    await deliverer.send(first)
    await deliverer.until(first, parked=1)
    await deliverer.probe(birch.authority)
    await deliverer.until(first, delivered=1)
    await deliverer.send(second)
    await deliverer.until(second, delivered=1)
    profiles = Profiles(deliverer.world.pool, deliverer.world.client)
    while await profiles.round():
        pass
    async with deliverer.world.pool.acquire() as conn:
        report = await console_reads.host_by_name(conn, birch.authority)
    assert report is not None
    assert (report.software, report.software_version) == ("fake", "1.0.0")
    assert [one["error"] for one in report.recent_errors] == ["http_503"]
    assert birch.fetched.count("/.well-known/nodeinfo") == 1
