"""Slots for requests, and those who give them up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.fanout_deliverer.in_flight import InFlight
from services.fanout_deliverer.permits import FixedPermits


async def test_who_lags_gives_the_slot_to_others() -> None:
    """Requests that hang hold slots for a moment only, and give nothing back a second time when they end."""
    in_flight, hang, order = InFlight(FixedPermits(2), after=0.05), asyncio.Event(), list[str]()

    async def hanging() -> None:
        async with _in(in_flight):
            await hang.wait()
        order.append("hanging")

    async def quick(name: str) -> None:
        async with _in(in_flight):
            order.append(name)
            await asyncio.sleep(0)

    stuck = [asyncio.create_task(hanging()) for _ in range(6)]
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await quick("quick")
    assert order == ["quick"]
    hang.set()
    await asyncio.gather(*stuck)
    assert await _at_once(in_flight, 10) == 2


async def test_laggards_are_bounded() -> None:
    """Once as many lag as may, the others keep their slots until they are done."""
    in_flight, hang, begun = InFlight(FixedPermits(1), laggards=2, after=0.01), asyncio.Event(), 0

    async def hanging() -> None:
        nonlocal begun
        async with _in(in_flight):
            begun += 1
            await hang.wait()

    stuck = [asyncio.create_task(hanging()) for _ in range(6)]
    async with asyncio.timeout(10):
        while begun < 3:  # noqa: ASYNC110 - their count is what is waited for
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert begun == 3
    hang.set()
    await asyncio.gather(*stuck)
    assert await _at_once(in_flight, 5) == 1


async def test_laggards_make_room_for_the_next() -> None:
    """Who lags where as many lag as may gives the slot up later, as soon as one of those has ended."""
    in_flight, begun = InFlight(FixedPermits(1), laggards=1, after=0.01), list[int]()
    ends = [asyncio.Event() for _ in range(3)]

    async def hanging(number: int) -> None:
        async with _in(in_flight):
            begun.append(number)
            await ends[number].wait()

    stuck = [asyncio.create_task(hanging(number)) for number in range(3)]
    async with asyncio.timeout(10):
        while begun != [0, 1]:  # noqa: ASYNC110 - who has begun is what is waited for
            await asyncio.sleep(0.001)
        # This sleep ends after the second one's time, for timers run in their order.
        await asyncio.sleep(0.02)
        assert begun == [0, 1]
        ends[0].set()
        while begun != [0, 1, 2]:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    for end in ends:
        end.set()
    await asyncio.gather(*stuck)


async def test_who_has_left_gives_nothing_back_later() -> None:
    """The time of a request that has ended comes and goes: its slot was given back once, when it left."""
    in_flight = InFlight(FixedPermits(1), after=0.01)
    assert await _at_once(in_flight, 5) == 1
    # This sleep ends after the time of each of them, for timers run in their order.
    await asyncio.sleep(0.03)
    assert await _at_once(in_flight, 5) == 1


async def test_who_is_cancelled_leaves_the_slot() -> None:
    """Neither waiting for a slot nor holding one outlives a cancelled request."""
    in_flight = InFlight(FixedPermits(1), after=60)

    async def hanging() -> None:
        async with _in(in_flight):
            await asyncio.Event().wait()

    stuck = [asyncio.create_task(hanging()) for _ in range(3)]
    await asyncio.sleep(0)
    for task in stuck:
        task.cancel()
    await asyncio.gather(*stuck, return_exceptions=True)
    assert await _at_once(in_flight, 5) == 1


@asynccontextmanager
async def _in(in_flight: InFlight) -> AsyncIterator[None]:
    stay = await in_flight.enter()
    try:
        yield
    finally:
        in_flight.leave(stay)


async def _at_once(in_flight: InFlight, wanted: int) -> int:
    """Return how many of those who want to are let in together."""
    inside, most = 0, 0

    async def enter() -> None:
        nonlocal inside, most
        async with _in(in_flight):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(enter() for _ in range(wanted)))
    return most
