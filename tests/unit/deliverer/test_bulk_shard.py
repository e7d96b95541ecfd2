"""When the bulk of a shard is worked, and by whom."""

import asyncio
import time
from collections.abc import Collection, Sequence
from typing import cast

from services.fanout_deliverer.bulk_lane import BulkLane, BulkShard
from services.fanout_deliverer.lease import Lease, Pulse
from shared.database.bulk import BulkMessage
from shared.protocol.messages import Delivery
from shared.queue.handling import Handling


class Lane:
    """Nothing waits; it is noted when somebody looked."""

    def __init__(self) -> None:
        self.shards: dict[int, BulkShard] = {}
        self.looked = asyncio.Event()
        self.looked_at = 0.0

    async def next_messages(self, _shard: int, _in_hand: Collection[int]) -> Sequence[BulkMessage]:
        """Stand for the database."""
        self.looked_at = time.monotonic()
        self.looked.set()
        return []


def _shard(lane: Lane, quiet_from: float) -> BulkShard:
    lease = Lease(3, Pulse(), quiet_from=quiet_from)
    return BulkShard(cast("BulkLane", lane), lease, cast("Handling[Delivery]", None))


async def test_bulk_waits_for_requests_of_a_silent_holder() -> None:
    """Nothing is begun while a request of whoever held the shard before, and is not heard of, may arrive."""
    lane, quiet_from = Lane(), time.monotonic() + 0.3
    shard = _shard(lane, quiet_from)
    shard.start()
    await asyncio.wait_for(lane.looked.wait(), 10)
    await shard.stop()
    assert lane.looked_at >= quiet_from


async def test_shard_is_not_handed_on_before_it_is_quiet() -> None:
    """Who gives a shard up again meanwhile holds it until then, for the next one begins at once."""
    lane, quiet_from = Lane(), time.monotonic() + 0.3
    shard = _shard(lane, quiet_from)
    shard.start()
    await shard.stop()
    assert time.monotonic() >= quiet_from
    assert not lane.looked.is_set()
