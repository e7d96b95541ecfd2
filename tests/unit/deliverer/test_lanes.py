"""The order and the bounds of what is on its way to one host."""

import asyncio
import random
from datetime import UTC, datetime

from services.fanout_deliverer.lanes import Lanes
from services.fanout_deliverer.room import Room
from services.fanout_deliverer.slots import SLOTS

BIRCH = "birch.example"


async def test_one_authors_deliveries_keep_their_order() -> None:
    """What one author sends to a host goes one by one, in the order of the places, whoever is awake first."""
    lanes, order = Lanes(), list[int]()
    places = [lanes.enter(BIRCH, 1, number) for number in range(50)]

    async def go(number: int) -> None:
        await places[number].turn()
        order.append(number)
        await asyncio.sleep(0)
        places[number].leave()

    await asyncio.gather(*(go(number) for number in random.sample(range(50), 50)))
    assert order == list(range(50))
    assert len(lanes) == 0


async def test_a_host_gets_few_requests_at_once() -> None:
    """Different authors share a host's slots, and no more are used at once."""
    lanes, busy, most = Lanes(), 0, 0

    async def go(author: int) -> None:
        nonlocal busy, most
        place = lanes.enter(BIRCH, author, author)
        await place.turn()
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0)
        busy -= 1
        place.leave()

    await asyncio.gather(*(go(author) for author in range(20)))
    assert most == SLOTS


async def test_failure_turns_away_those_who_waited() -> None:
    """Whoever stood in the lane of a failing host learns of it, once; who comes later may try."""
    lanes, now = Lanes(), datetime.now(UTC)
    first, other, waiting = (lanes.enter(BIRCH, author, author) for author in range(3))
    assert first.report_failure(now)
    assert not other.report_failure(now)
    assert waiting.host_failed
    assert not lanes.enter(BIRCH, 9, 9).host_failed


async def test_second_copy_is_recognised() -> None:
    """A copy of a delivery that waited behind the first one is not sent once that is settled."""
    lanes = Lanes()
    first, copy, another = lanes.enter(BIRCH, 1, "a"), lanes.enter(BIRCH, 1, "a"), lanes.enter(BIRCH, 1, "b")
    first.report_settled()
    first.leave()
    assert copy.already_done
    assert not another.already_done
    copy.leave()
    assert not lanes.enter(BIRCH, 1, "a").already_done


async def test_copy_that_comes_before_the_record_is_recognised() -> None:
    """A copy that comes while the first one's outcome is known and not recorded yet is not sent."""
    lanes = Lanes()
    first = lanes.enter(BIRCH, 1, "a")
    first.report_settled()
    copy = lanes.enter(BIRCH, 1, "a")
    assert copy.already_done
    first.leave()
    assert copy.already_done


async def test_slow_host_loses_its_waiters_and_a_busy_one_keeps_them() -> None:
    """Waiting long is a reason to be parked at a slow host only: a quick one will soon be through."""
    place = Lanes(patience=0.0).enter(BIRCH, 1, 1)
    assert not place.waited_too_long
    for _ in range(10):
        place.lane.observe(3.0)
    assert place.waited_too_long


async def test_room_lets_in_what_fits_in_order() -> None:
    """No more is in hand than fits, and nobody small slips in before somebody large who came first."""
    room, entered = Room(10), list[str]()
    gates = {name: asyncio.Event() for name in ("first", "large", "small")}

    async def go(name: str, amount: int) -> None:
        async with room.take(amount):
            entered.append(name)
            await gates[name].wait()

    tasks = []
    for name, amount in (("first", 6), ("large", 8), ("small", 1)):
        tasks.append(asyncio.create_task(go(name, amount)))
        await asyncio.sleep(0)
    assert entered == ["first"]
    for gate in gates.values():
        gate.set()
    await asyncio.gather(*tasks)
    assert entered == ["first", "large", "small"]


async def test_room_given_up_is_free_again() -> None:
    """Whoever gives up waiting takes no room, and whoever is larger than the room goes alone."""
    room = Room(10)
    async with room.take(10):
        waiting = asyncio.create_task(_enter(room, 5))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(5):
        await _enter(room, 50)


async def _enter(room: Room, amount: int) -> None:
    async with room.take(amount):
        pass


async def test_what_is_done_makes_room_before_the_rest() -> None:
    """A piece of which a part is done lets in as much, and gives back no more than it took."""
    room = Room(10)
    async with room.take(8) as share:
        waiting = asyncio.create_task(_enter(room, 6))
        await asyncio.sleep(0)
        assert not waiting.done()
        for _ in range(4):
            share.give_back()
        async with asyncio.timeout(5):
            await waiting
    async with asyncio.timeout(5), room.take(10):
        crowded = asyncio.create_task(_enter(room, 1))
        await asyncio.sleep(0.01)
        assert not crowded.done()
    await crowded
