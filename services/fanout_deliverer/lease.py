"""The right to send to the hosts of one shard, asked for before each request and each record of one."""

import asyncio
import contextlib
import time
from datetime import UTC, datetime

from shared.protocol.errors import Unavailable

_LOOK_AGAIN = 0.1
_ALWAYS = datetime.min.replace(tzinfo=UTC)


class ShardLeft(Unavailable):
    """Another process works this shard from now on: what is not sent yet goes back to its queue."""

    reason = "shard_left"


class Pulse:
    """How long this process may believe that it still holds what it took."""

    def __init__(self) -> None:
        self._until = 0.0

    def beats_until(self, moment: float) -> None:
        """Note that nobody takes our shards before this moment of the monotonic clock."""
        self._until = moment

    @property
    def is_felt(self) -> bool:
        """Whether nobody can have taken our shards yet."""
        return time.monotonic() < self._until

    def lasts(self, seconds: float) -> bool:
        """Tell whether nobody takes our shards for so long from now."""
        return time.monotonic() + seconds < self._until

    @property
    def missed_for(self) -> float:
        """Seconds since others may have taken our shards."""
        return max(0.0, time.monotonic() - self._until)


class Lease:
    """What a worker holds while it works a shard.

    Args:
        shard: Which one.
        pulse: Shared by all leases of this process.
        quiet_from: When nothing of whoever held it before is on its way any more, by the monotonic clock.
        since: When it was taken, by the clock of the database.
    """

    def __init__(
        self, shard: int, pulse: Pulse, *, quiet_from: float = 0.0, since: datetime = _ALWAYS
    ) -> None:
        self.shard = shard
        self.since = since
        self.lost = False
        """Whether somebody else has taken it, so that what became of its requests is his to find out."""
        self._pulse = pulse
        self._quiet_from = quiet_from
        self._left = asyncio.Event()

    def leave(self) -> None:
        """Let no further request begin."""
        self._left.set()

    def lose(self) -> None:
        """Let no further request begin, and nothing be recorded of those that have: another does it anew."""
        self.lost = True
        self.leave()

    def lasts(self, seconds: float) -> bool:
        """Tell whether it is ours, and nobody takes it for so long from now."""
        return not self.lost and self._pulse.lasts(seconds)

    async def quiet(self) -> None:
        """Return once nothing of whoever held the shard before is on its way any more.

        The broker serves a queue to nobody else before its last holder is gone, so this is for the rest.
        Who leaves the shard meanwhile waits all the same: for the next one these requests are its own.
        """
        if (left := self._quiet_from - time.monotonic()) > 0:
            await asyncio.sleep(left)

    @property
    def is_ours(self) -> bool:
        """Whether the shard is known to be ours at this moment."""
        return not self._left.is_set() and self._pulse.is_felt

    async def confirm(self) -> None:
        """Return while the shard is ours; raises ShardLeft once it is not.

        Waits as long as that is not known: who goes on waiting keeps the order of those behind.
        """
        while not self._left.is_set() and not self._pulse.is_felt:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_AGAIN):
                    await self._left.wait()
        if self._left.is_set():
            raise ShardLeft(f"shard {self.shard}")
