"""The right of way of all that is not bulk."""

import asyncio

from services.fanout_deliverer.precedence import LINGER, LONGEST, Precedence


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


def test_a_step_has_the_way_for_a_moment() -> None:
    """Each step keeps the bulk waiting until the next one has had time to come, and no longer."""
    clock = Clock()
    precedence = Precedence(clock)
    taken = [precedence.taken]
    for _ in range(2):
        precedence.take()
        clock.now += LINGER * 0.9
        taken.append(precedence.taken)
    clock.now += LINGER * 0.2
    taken.append(precedence.taken)
    assert taken == [False, True, True, False]


def test_the_bulk_has_half_of_the_time() -> None:
    """However much else there is, the bulk waits for half of the time at most, and not long in one go."""
    clock = Clock()
    precedence = Precedence(clock)
    waits, longest, waited = 0, 0, 0
    for _ in range(2000):
        precedence.take()
        waited = waited + 1 if precedence.taken else 0
        waits, longest = waits + bool(waited), max(longest, waited)
        clock.now += 0.001
    assert 900 <= waits <= 1100
    assert longest <= LONGEST / 0.001 + 1


async def test_giving_way_ends() -> None:
    """Who gives way goes on when nothing else is under way, and although something always is."""
    precedence, over = Precedence(), asyncio.Event()

    async def busy() -> None:
        while not over.is_set():
            precedence.take()
            await asyncio.sleep(LINGER / 10)

    working = asyncio.create_task(busy())
    try:
        async with asyncio.timeout(10):
            for _ in range(3):
                await precedence.give_way()
    finally:
        over.set()
        await working
    async with asyncio.timeout(10):
        await precedence.give_way()
    assert not precedence.taken
