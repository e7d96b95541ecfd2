"""Questions that many ask at once are asked together: while one answer is on its way, the others gather.

What cannot be answered spoils no other's answer: all but an outage, which is the same for each of them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from shared.protocol.errors import Unavailable

Q = TypeVar("Q")
A = TypeVar("A")


class Together(Generic[Q, A]):
    """Asks for several at a time; nobody waits for others to come.

    Args:
        ask: Answers for all these; what it returns is handed to each who asked for some of them.
        most: How many are asked for together, unless one alone brings more.
    """

    def __init__(self, ask: Callable[[Sequence[Q]], Awaitable[A]], *, most: int) -> None:
        self._ask = ask
        self._most = most
        self._waiting: list[tuple[Sequence[Q], asyncio.Future[A]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def find(self, questions: Sequence[Q]) -> A:
        """Return an answer that covers these; raises what asking for these alone raises."""
        mine: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((questions, mine))
        if self._asking is None:
            self._asking = asyncio.create_task(self._run())
        return await mine

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._answer(self._next_group())
        finally:
            self._asking = None

    def _next_group(self) -> list[tuple[Sequence[Q], asyncio.Future[A]]]:
        group = [self._waiting.pop(0)]
        count = len(group[0][0])
        while self._waiting and count + len(self._waiting[0][0]) <= self._most:
            count += len(self._waiting[0][0])
            group.append(self._waiting.pop(0))
        return group

    async def _answer(self, group: Sequence[tuple[Sequence[Q], asyncio.Future[A]]]) -> None:
        try:
            answer = await self._ask([question for questions, _ in group for question in questions])
        except Exception as error:  # noqa: BLE001 - whoever asks gets it
            if len(group) > 1 and not isinstance(error, Unavailable):
                for one in group:
                    await self._answer([one])
                return
            for _, who in group:
                if not who.done():
                    who.set_exception(error)
            return
        for _, who in group:
            if not who.done():
                who.set_result(answer)
