"""How often the backlog is counted."""

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from services.fanout_deliverer.backlog import GAUGES_EVERY, GAUGES_SHARE, Backlog
from shared.database.pool import Pool
from shared.protocol.errors import Unavailable
from shared.queue.publisher import Publisher


class Counting(Backlog):
    """Counts on a clock of its own, and is stopped after the last count.

    Args:
        counts: The seconds that each count takes; a negative one finds the database away.
    """

    def __init__(self, counts: list[float]) -> None:
        super().__init__(cast("Pool", None), cast("Publisher", None))
        self.now = 1000.0
        self.pauses: list[float] = []
        self._counts = counts

    async def measure(self) -> None:
        """Stand for the counting."""
        took = self._counts.pop(0)
        self.now += abs(took)
        if took < 0:
            raise Unavailable("the database is away")

    async def sleep(self, seconds: float) -> None:
        """Note how long nothing is counted."""
        self.pauses.append(seconds)
        if not self._counts:
            raise asyncio.CancelledError


async def test_counting_has_a_small_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The longer a count takes, the longer is the pause before the next; quick ones come at a steady pace."""
    backlog = Counting([0.0, 2.0, -3.0, 0.01])
    monkeypatch.setattr(
        "services.fanout_deliverer.backlog.time", SimpleNamespace(monotonic=lambda: backlog.now)
    )
    monkeypatch.setattr("services.fanout_deliverer.backlog.asyncio", SimpleNamespace(sleep=backlog.sleep))
    with pytest.raises(asyncio.CancelledError):
        await backlog.watch()
    assert backlog.pauses == pytest.approx([GAUGES_EVERY, 2 * GAUGES_SHARE, 3 * GAUGES_SHARE, GAUGES_EVERY])
