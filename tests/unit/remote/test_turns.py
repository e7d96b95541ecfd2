"""How much is done in one turn of the loop."""

import asyncio
import itertools

from shared.remote.turns import Turns


async def test_no_more_than_so_many_pass_in_one_turn() -> None:
    """Of a hundred that are ready at once a few pass in each turn, in their order, and none is left."""
    turns, passed, seen = Turns(8), list[int](), [0]

    async def work(number: int) -> None:
        await turns.take()
        passed.append(number)

    tasks = [asyncio.create_task(work(number)) for number in range(100)]
    while len(passed) < 100:
        await asyncio.sleep(0)
        seen.append(len(passed))
    steps = [after - before for before, after in itertools.pairwise(seen)]
    assert passed == list(range(100))
    assert max(steps) == 8
    await asyncio.gather(*tasks)


async def test_those_who_give_up_hold_up_nobody() -> None:
    """A turn that nobody waits for any more goes to the next one."""
    turns, passed = Turns(1), list[int]()

    async def work(number: int) -> None:
        await turns.take()
        passed.append(number)

    tasks = [asyncio.create_task(work(number)) for number in range(5)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    tasks[3].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert passed == [0, 2, 4]
    async with asyncio.timeout(5):
        await work(5)
