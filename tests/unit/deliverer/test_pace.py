"""How many requests are busy at once, and who goes first at a host."""

import asyncio

from services.fanout_deliverer.bystanders import ABOUT, Bystanders
from services.fanout_deliverer.lanes import Lanes, Place
from services.fanout_deliverer.pace import LATE, LEAST, LOOK, MOST, TOGETHER, Pace
from services.fanout_deliverer.precedence import Precedence
from services.fanout_deliverer.restraint import SHARE, Restraint
from services.fanout_deliverer.slots import BULK_SLOTS, SLOTS


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_pace_follows_the_loop() -> None:
    """The bulk gets more while somebody waits and the loop is on time, and steps back when it is late."""
    pace, go_on = Pace(Precedence(), Bystanders()), asyncio.Event()

    async def request() -> None:
        await pace.acquire()
        await go_on.wait()
        pace.release()

    tasks = [asyncio.create_task(request()) for _ in range(MOST * 2)]
    for _ in range(MOST):
        await _settle()
        pace.adapt(0.0)
    assert pace.slots == MOST
    for _ in range(100):
        pace.adapt(LATE * 2)
    assert pace.slots == LEAST
    go_on.set()
    await asyncio.gather(*tasks)
    pace.adapt(0.0)
    assert pace.slots == LEAST, "it grew though nobody waits"


async def test_bulk_begins_next_to_nothing_meanwhile() -> None:
    """While something else has the right of way one request begins at each look; then all that may."""
    now = 0.0
    precedence = Precedence(lambda: now)
    pace, begun = Pace(precedence, Bystanders()), 0

    async def request() -> None:
        nonlocal begun
        await pace.acquire()
        begun += 1

    precedence.take()
    tasks = [asyncio.create_task(request()) for _ in range(LEAST * 3)]
    await _settle()
    assert begun == 0
    for looks in (1, 2):
        pace.adapt(0.0)
        await _settle()
        assert begun == looks
    now = ABOUT * 2
    pace.adapt(LATE * 2)
    await _settle()
    assert begun == LEAST
    for task in tasks:
        task.cancel()


async def _begun_by_turn(pace: Pace, requests: int) -> list[int]:
    """Return how many of these requests of the bulk begin in each turn of the loop."""
    begun = [0]

    async def request() -> None:
        await pace.acquire()
        begun[-1] += 1

    async with asyncio.timeout(10):
        tasks = [asyncio.create_task(request()) for _ in range(requests)]
        while sum(begun) < requests:
            begun.append(0)
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
    return begun


async def test_bulk_signs_once_in_a_turn_while_others_are_about() -> None:
    """However many may begin, what others have sent meanwhile is seen between any two of them."""
    bystanders = Bystanders()
    bystanders.send([1])
    pace = Pace(Precedence(), bystanders)
    for _ in range(LEAST):
        pace.adapt(0.0)
    assert max(await _begun_by_turn(pace, LEAST)) == 1


async def test_bulk_that_is_alone_signs_a_few_in_a_turn() -> None:
    """With nobody about the loop turns once for a few requests, and never for all that may begin."""
    pace = Pace(Precedence(), Bystanders())
    pace.slots = 5 * TOGETHER
    assert max(await _begun_by_turn(pace, pace.slots)) == TOGETHER


async def test_bulk_keeps_to_its_share_while_others_are_about() -> None:
    """Between two steps of others the bulk begins what its share pays for; once they are gone, all it can."""
    now, spent = 0.0, 0.0
    bystanders = Bystanders(lambda: now)
    pace, begun = Pace(Precedence(), bystanders, Restraint(lambda: spent)), 0

    async def request() -> None:
        nonlocal begun, spent
        await pace.acquire()
        begun, spent = begun + 1, spent + 0.002
        pace.release()

    async def look_for(seconds: float) -> int:
        nonlocal now
        before = begun
        for _ in range(round(seconds / LOOK)):
            now += LOOK
            pace.adapt(0.0)
            await _settle()
        return begun - before

    bystanders.send([1])
    tasks = [asyncio.create_task(request()) for _ in range(1000)]
    await look_for(ABOUT / 4)
    assert 0.8 <= await look_for(ABOUT / 2) * 0.002 / (SHARE * ABOUT / 2) <= 1.2
    now += ABOUT
    assert await look_for(LOOK) >= 10
    for task in tasks:
        task.cancel()


async def test_bulk_leaves_slots_of_a_host_to_others() -> None:
    """However much of the bulk waits for a host, something else goes at once, and before all of it."""
    lanes, going = Lanes(), list[str]()

    def come(name: str, author: int, slots: int) -> tuple[Place, asyncio.Task[None]]:
        place = lanes.enter("birch.example", author, author)

        async def go() -> None:
            await place.turn(slots)
            going.append(name)

        return place, asyncio.create_task(go())

    bulk = [come(f"bulk{number}", number, BULK_SLOTS) for number in range(6)]
    await _settle()
    assert going == ["bulk0", "bulk1"]
    swift = [come(f"swift{number}", 10 + number, SLOTS) for number in range(3)]
    await _settle()
    assert going[2:] == ["swift0", "swift1"]
    for place, _ in bulk[:2] + swift:
        place.pass_on()
        await _settle()
    assert going[4] == "swift2"
    for place, _ in bulk[2:]:
        await _settle()
        place.pass_on()
    await asyncio.gather(*(task for _, task in bulk + swift))


async def test_slow_host_gets_one_request_at_a_time() -> None:
    """A host that is known to be slow has one slot, until it has been quick for a while."""
    lanes, going = Lanes(), list[int]()
    places = [lanes.enter("birch.example", author, author) for author in range(4)]

    async def go(number: int) -> None:
        await places[number].turn(SLOTS, latency=3.0)
        going.append(number)

    tasks = [asyncio.create_task(go(number)) for number in range(4)]
    await _settle()
    assert going == [0]
    for _ in range(20):
        places[0].lane.observe(0.01)
    places[0].pass_on()
    await _settle()
    assert going == [0, 1, 2, 3]
    await asyncio.gather(*tasks)


async def test_nothing_passes_what_is_being_parked() -> None:
    """Whoever of the same author stood in the lane when something was parked is to be parked behind it."""
    lanes = Lanes()
    first, behind, other = (lanes.enter("b.example", author, key) for author, key in ((1, 1), (1, 2), (2, 3)))
    first.report_parked()
    meanwhile = lanes.enter("b.example", 1, 4)
    assert (behind.behind_parked, meanwhile.behind_parked, other.behind_parked) == (True, True, False)
    first.leave()
    assert behind.behind_parked
    assert meanwhile.behind_parked
    assert not lanes.enter("b.example", 1, 5).behind_parked
