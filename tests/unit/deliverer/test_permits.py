"""Permits: as many as there are, in order, and none lost."""

import asyncio

from services.fanout_deliverer.permits import FixedPermits


async def test_permits_go_to_whoever_waits_longest() -> None:
    """One that is given back goes to the first in line, and nobody who comes later takes it before."""
    permits, order = FixedPermits(1), list[int]()
    assert permits.try_acquire()

    async def wait(number: int) -> None:
        await permits.acquire()
        order.append(number)

    waiting = [asyncio.create_task(wait(number)) for number in range(3)]
    await asyncio.sleep(0)
    for _ in range(3):
        permits.release()
        assert not permits.try_acquire()
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert order == [0, 1, 2]
    permits.release()
    assert permits.try_acquire()


async def test_a_permit_of_somebody_cancelled_is_not_lost() -> None:
    """Whoever is cancelled while waiting, or at the moment of getting one, leaves it to the next."""
    permits = FixedPermits(1)
    assert permits.try_acquire()
    first, second, third = (asyncio.create_task(permits.acquire()) for _ in range(3))
    await asyncio.sleep(0)
    second.cancel()
    permits.release()
    first.cancel()
    async with asyncio.timeout(5):
        await third
    assert not permits.try_acquire()
    permits.release()
    assert permits.try_acquire()
