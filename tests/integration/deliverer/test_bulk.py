"""What goes to many servers waits its turn beside the queues, and holds up nobody."""

import asyncio
import inspect

import pytest

from services.fanout_deliverer.allowance import Allowances
from services.fanout_deliverer.bulk_planner import BulkPlanner
from services.fanout_deliverer.bystanders import Bystanders
from services.fanout_deliverer.draft import Draft, Drafting
from services.fanout_deliverer.precedence import Precedence
from services.fanout_deliverer.recipients import START, Position, Recipients
from services.fanout_deliverer.signers import Signers
from shared.database import bulk
from shared.database.bulk import Look, NewMessage
from shared.database.pool import Connection
from shared.protocol.activities import Activity
from shared.protocol.messages import AcceptedActivity, Codec
from shared.queue import dead_letters
from shared.queue.connection import connect
from shared.queue.publisher import Publisher
from shared.queue.topology import FANOUT_PLAN, SHARDS
from tests.fakes.remote_host import RemoteHost
from tests.integration.deliverer.crowd import crowd, let_follow
from tests.integration.deliverer.running import QUEUES, message_of, post_of, run_deliverer
from tests.integration.world import World

HOSTS = 40


def _arrivals(hosts: list[RemoteHost]) -> list[object]:
    """Return the ids of what came to these hosts, in the order in which it came."""
    came = sorted((one for host in hosts for one in host.received), key=lambda one: one.at)
    return [one.activity["id"] for one in came]


async def test_small_post_passes_a_storm(world: World, own_broker_url: str) -> None:
    """A post to one server, sent after twelve to forty servers each, is not behind even half of them."""
    ada, ben = await world.account("ada"), await world.account("ben")
    many = await crowd(world, ada, HOSTS)
    [one] = await crowd(world, ben, 1, prefix="lone")
    async with run_deliverer(world, own_broker_url, Allowances(burst=5)) as deliverer:
        storm = [deliverer.post(ada) for _ in range(12)]
        small = deliverer.post(ben)
        await deliverer.send(*storm, small)
        for post in storm:
            await deliverer.until(post, delivered=HOSTS)
        await deliverer.until(small, delivered=1)
    arrived = _arrivals([*many, one])
    assert len(arrived) == len(storm) * HOSTS + 1, "something came twice"
    assert arrived.index(small.id) < len(arrived) / 2


async def test_each_step_has_the_right_of_way_but_those_of_the_bulk(
    world: World, own_broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each step a small post is before the bulk, which itself never takes the right of way."""
    steps: list[str] = []
    real = Precedence.take

    def take(precedence: Precedence) -> None:
        steps.append(inspect.stack(0)[1].frame.f_code.co_qualname)
        real(precedence)

    monkeypatch.setattr(Precedence, "take", take)
    ada, ben = await world.account("ada"), await world.account("ben")
    await crowd(world, ada, HOSTS)
    await crowd(world, ben, 2, prefix="lone")
    async with run_deliverer(world, own_broker_url, Allowances(burst=5)) as deliverer:
        large, small = deliverer.post(ada), deliverer.post(ben)
        await deliverer.send(large)
        await deliverer.until(large, delivered=HOSTS)
        in_bulk = set(steps)
        steps.clear()
        await deliverer.send(small)
        await deliverer.until(small, delivered=2)
    assert in_bulk == {"Session._on_message", "Planner.plan", "Planner._plan"}
    assert set(steps) == {*in_bulk, "Planner._send", "Passage.hasten"}
    assert steps.count("Passage.hasten") >= 4


async def test_who_has_spent_the_share_waits_in_bulk(world: World, own_broker_url: str) -> None:
    """Who has hardly anything left of an author's share waits in bulk, though the next would fit in."""
    ada, ben = await world.account("ada"), await world.account("ben")
    await crowd(world, ada, HOSTS)
    await crowd(world, ben, 1, prefix="lone")
    async with run_deliverer(world, own_broker_url, Allowances(burst=HOSTS + 2, per_second=0)) as deliverer:
        large, small, other = deliverer.post(ada), deliverer.post(ada), deliverer.post(ben)
        await deliverer.send(large)
        await deliverer.until(large, delivered=HOSTS)
        async with world.pool.acquire() as conn:
            await conn.execute("DELETE FROM follows WHERE followee_id = $1 AND id % 20 <> 0", ada)
        await deliverer.send(small, other)
        await deliverer.until(small, delivered=2)
        await deliverer.until(other, delivered=1)
    ways = await world.pool.fetch("SELECT activity_uri, bulk FROM sent_activities")
    assert {row["activity_uri"]: row["bulk"] for row in ways} == {
        large.id: False,
        small.id: True,
        other.id: False,
    }


async def test_delete_does_not_pass_its_post(world: World, own_broker_url: str) -> None:
    """The Delete of what went out in bulk stays behind it, though it goes to few by then; and vice versa."""
    ada = await world.account("ada")
    hosts = await crowd(world, ada, HOSTS)
    allowances = Allowances(burst=5)
    async with run_deliverer(world, own_broker_url, allowances) as deliverer:
        large, small = deliverer.post(ada), deliverer.post(ada)
        await deliverer.send(large, deliverer.delete(large))
        await deliverer.planned(large)
        async with world.pool.acquire() as conn:
            await conn.execute("DELETE FROM follows WHERE id % 20 <> 0")
        await deliverer.until(deliverer.delete(large), delivered=HOSTS)
        await deliverer.send(small, deliverer.delete(small))
        await deliverer.until(deliverer.delete(small), delivered=2)
    for host in hosts:
        _check_pairs(host, [large, small])


def _check_pairs(host: RemoteHost, posts: list[Activity]) -> None:
    arrived = [str(one.activity["id"]) for one in host.received]
    for post in posts:
        delete = post.id.removesuffix("/activity") + "#delete"
        assert arrived.count(post.id) == arrived.count(delete) <= 1
        if delete in arrived:
            assert arrived.index(post.id) < arrived.index(delete)


async def test_every_author_has_a_turn(world: World) -> None:
    """In a shard nobody's second message is before anybody's first, and what is in hand counts as a turn."""
    async with world.pool.acquire() as conn:
        order = [1, 1, 1, 1, 2, 2, 3]
        await bulk.add(
            conn, [NewMessage(shard=7, actor_id=author, targets=1, payload=b"") for author in order]
        )
        rows = await conn.fetch("SELECT id, actor_id FROM bulk_messages ORDER BY id")
        authors: dict[int, int] = {row["id"]: row["actor_id"] for row in rows}
        await bulk.add(conn, [NewMessage(shard=8, actor_id=1, targets=1, payload=b"") for _ in range(4)])
        first = [one.id for one in (await bulk.next_messages(conn, [Look(7)], 5))[7]]
        assert [authors[one] for one in first] == [1, 2, 3, 1, 2]
        assert first == sorted(first[:3]) + sorted(first[3:])
        both = await bulk.next_messages(conn, [Look(8), Look(7, first[:1]), Look(6)], 3)
        assert [authors[one.id] for one in both[7]] == [2, 3, 1]
        assert len(both[8]) == 3
        assert both.keys() == {7, 8}
        await bulk.settle(conn, first)
        rest = await bulk.next_messages(conn, [Look(7)], 9)
        assert [authors[one.id] for one in rest[7]] == [1, 1]
        assert await bulk.shards_waiting(conn, [6, 7]) == {7}


async def test_large_audience_is_read_in_pages(world: World) -> None:
    """A page is all that is held at a time, every server is found once in it, and never if it was seen."""
    ada = await world.account("ada")
    recipients = Recipients(resolver=world.resolver, uris=world.uris, blocks=world.blocks, page=100)
    async with world.pool.acquire() as conn:
        await let_follow(conn, ada, count=5000, hosts=1000)
        draft = await _draft(world, conn, message_of(post_of(world, ada)))
        found: set[str] = set()
        pages, following = 0, _start()
        while following is not None:
            page, following = await recipients.page(conn, draft.sender, draft.reach, following)
            assert len(page) == len({one.inbox for one in page}) <= 100
            found |= {one.inbox for one in page}
            pages += 1
        page, following = await recipients.page(conn, draft.sender, draft.reach, START, found)
        assert not page
        assert following is not None
    assert len(found) == 1000
    assert pages >= 50


async def _draft(world: World, conn: Connection, item: AcceptedActivity) -> Draft:
    [draft] = await Drafting(Signers(world.secret_key), world.uris).drafts(conn, [item])
    assert draft is not None
    return draft


def _start() -> Position | None:
    return START


async def test_plan_that_is_cut_off_goes_on_where_it_was(world: World, own_broker_url: str) -> None:
    """A plan of many pages, worked by one process after the other, names every server exactly once."""
    ada = await world.account("ada")
    async with world.pool.acquire() as conn:
        await let_follow(conn, ada, count=3000, hosts=700)
    async with connect(own_broker_url, "test", QUEUES) as broker:
        await broker.wait_until_up()
        item = message_of(post_of(world, ada))
        async with world.pool.acquire() as conn:
            draft = await _draft(world, conn, item)
            await bulk.begin(conn, [(draft.sent, Codec(AcceptedActivity).encode([item]))])
        turns = 0
        while await _planner(world, Publisher(broker)).turn():  # a new process each time
            turns += 1
    async with world.pool.acquire() as conn:
        assert await conn.fetchval("SELECT count(*) FROM deliveries") == 700
        assert await bulk.count_waiting(conn) == 700
        assert await conn.fetchval("SELECT planned_at IS NOT NULL FROM sent_activities")
        assert await bulk.shards_waiting(conn, range(SHARDS)) == set(range(SHARDS))
    assert turns >= 3000 / 250


def _planner(world: World, publisher: Publisher) -> BulkPlanner:
    return BulkPlanner(
        pool=world.pool,
        publisher=publisher,
        drafting=Drafting(Signers(world.secret_key), world.uris),
        recipients=Recipients(resolver=world.resolver, uris=world.uris, blocks=world.blocks, page=250),
        blocks=world.blocks,
        precedence=Precedence(),
        bystanders=Bystanders(),
        added=asyncio.Event(),
    )


async def test_plan_that_cannot_be_carried_out_becomes_a_dead_letter(
    world: World, own_broker_url: str
) -> None:
    """A plan whose sender is gone is given up with its reason, and others' plans are carried out."""
    ada, ben = await world.account("ada"), await world.account("ben")
    [host] = await crowd(world, ben, 1)
    async with run_deliverer(world, own_broker_url, Allowances(burst=0)) as deliverer:
        async with world.pool.acquire() as conn:
            draft = await _draft(world, conn, message_of(post_of(world, ada)))
            lost = message_of(post_of(world, ada + 1))
            await bulk.begin(conn, [(draft.sent, Codec(AcceptedActivity).encode([lost]))])
        post = deliverer.post(ben)
        await deliverer.send(post)
        await host.wait_for("Create")
        async with connect(own_broker_url, "test", QUEUES) as broker:
            await broker.wait_until_up()
            letters = await dead_letters.read(broker, FANOUT_PLAN)
    assert [letter.reason for letter in letters] == ["sender_unknown"]
