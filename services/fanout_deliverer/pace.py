"""How much of the bulk is under way at once: as much as leaves this process quick to serve all others."""

import asyncio
from collections import deque

from services.fanout_deliverer.bystanders import Bystanders
from services.fanout_deliverer.granted import granted
from services.fanout_deliverer.precedence import Precedence
from services.fanout_deliverer.restraint import Restraint

LEAST = 4
"""Requests that are always allowed: enough to keep a processor busy, too few to be in anybody's way."""

MOST = 384

TOGETHER = 4
"""Requests that are begun in one turn of the loop while nobody is about: each of them signs."""

LOOK = 0.02
"""Seconds between two looks at how late the loop is."""

LATE = 0.004
"""Seconds by which the loop may be late before the bulk steps back."""

_STEP = 4
_BACK = 0.75


class Pace:
    """Slots that become more while the event loop is on time, and fewer while it is late.

    Whoever waits for an answer from far away costs the loop nothing: then there are many slots. Where the
    processor is the limit there are few, which costs no throughput, and what is not bulk hardly waits.
    While authors are about who have nothing in bulk, it keeps to a share of the processor and never signs
    twice in one turn of the loop, so that whatever has come meanwhile is seen in between. While anything else
    has the right of way, it begins one request at each look and no more.

    Args:
        precedence: Who has the right of way.
        bystanders: Who else is about.
        restraint: What the bulk may do while others are about.
    """

    def __init__(
        self, precedence: Precedence, bystanders: Bystanders, restraint: Restraint | None = None
    ) -> None:
        self.slots = LEAST
        self._precedence = precedence
        self._bystanders = bystanders
        self._restraint = restraint or Restraint()
        self._was_taken = False
        self._begun = 0
        self._used = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def try_acquire(self) -> bool:
        """Take one if it is free now and nobody waits; give it back with `release`."""
        if self._waiting or not self._may_begin():
            return False
        self._begin()
        return True

    async def acquire(self) -> None:
        """Take one once it is free."""
        if self.try_acquire():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await granted(turn, self.release)

    def release(self) -> None:
        """Give one back."""
        self._used -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and (self._may_begin() or self._waiting[0].done()):
            self._admit_next()

    def _admit_next(self) -> None:
        turn = self._waiting.popleft()
        if not turn.done():
            self._begin()
            turn.set_result(None)

    def _begin(self) -> None:
        self._used += 1
        self._restraint.begin()
        self._begun += 1
        if self._begun == 1:
            asyncio.get_running_loop().call_soon(self._turn_ended)

    def _turn_ended(self) -> None:
        self._begun = 0
        self._admit()

    def _may_begin(self) -> bool:
        if self._used >= self.slots or self._precedence.taken:
            return False
        if self._bystanders.about:
            return not self._begun and self._restraint.allows
        return self._begun < TOGETHER

    async def run(self) -> None:
        """Adapt to the loop until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK
            await asyncio.sleep(LOOK)
            self.adapt(loop.time() - due)

    def adapt(self, late: float) -> None:
        """Take into account by how many seconds the loop was late just now."""
        self._bystanders.look()
        was_taken, self._was_taken = self._was_taken, self._precedence.taken
        self._restraint.look(LOOK + late, alone=not (was_taken or self._was_taken))
        if late > LATE:
            self.slots = max(LEAST, int(self.slots * _BACK))
        elif self._waiting and self._used >= self.slots:
            self.slots = min(MOST, self.slots + _STEP)
        if self._waiting and self._used < self.slots:
            self._admit_next()
        self._admit()
