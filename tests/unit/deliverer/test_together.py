"""Questions asked together."""

import asyncio
from collections.abc import Sequence

import pytest

from services.fanout_deliverer.together import Together
from shared.protocol.errors import Unavailable


async def test_those_who_come_meanwhile_are_asked_for_together() -> None:
    """Who comes in one turn is asked for at once, who comes before the answer shares the next portion."""
    asked, answer = list[list[int]](), asyncio.Event()

    async def ask(numbers: Sequence[int]) -> set[int]:
        asked.append(list(numbers))
        await answer.wait()
        return set(numbers)

    together = Together(ask, most=5)
    tasks = [asyncio.create_task(together.find([number, -number])) for number in (1, 2)]
    async with asyncio.timeout(5):
        while not asked:  # noqa: ASYNC110 - the first question is what is waited for
            await asyncio.sleep(0)
    tasks += [asyncio.create_task(together.find([number, -number])) for number in (3, 4, 5)]
    await asyncio.sleep(0)
    assert asked == [[1, -1, 2, -2]]
    answer.set()
    found = await asyncio.gather(*tasks)
    assert asked == [[1, -1, 2, -2], [3, -3, 4, -4], [5, -5]]
    assert all({number, -number} <= answered for number, answered in enumerate(found, start=1))


async def test_a_question_that_cannot_be_answered_spoils_no_other() -> None:
    """What fails for one is asked for again for each of the others alone."""

    async def ask(numbers: Sequence[int]) -> int:
        await asyncio.sleep(0)
        if 3 in numbers:
            raise ValueError("three")
        return len(numbers)

    together = Together(ask, most=100)
    found = await asyncio.gather(*(together.find([number]) for number in range(6)), return_exceptions=True)
    assert [isinstance(one, ValueError) for one in found] == [False, False, False, True, False, False]
    with pytest.raises(ValueError, match="three"):
        await together.find([3])


async def test_an_outage_is_everybodys() -> None:
    """What is down for all who ask together is asked once, not once more for each of them."""
    asked = list[list[int]]()

    async def ask(numbers: Sequence[int]) -> int:
        asked.append(list(numbers))
        await asyncio.sleep(0)
        raise Unavailable("away")

    together = Together(ask, most=100)
    found = await asyncio.gather(*(together.find([number]) for number in range(3)), return_exceptions=True)
    assert [type(one) for one in found] == [Unavailable] * 3
    assert asked == [[0, 1, 2]]


async def test_who_gives_up_holds_up_nobody() -> None:
    """A question that nobody waits for any more leaves the answers of the others as they are."""

    async def ask(numbers: Sequence[int]) -> int:
        await asyncio.sleep(0.01)
        return len(numbers)

    together = Together(ask, most=100)
    tasks = [asyncio.create_task(together.find([number])) for number in range(3)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    tasks[1].cancel()
    async with asyncio.timeout(10):
        assert await tasks[2] == 3
        assert await together.find([9]) == 1
