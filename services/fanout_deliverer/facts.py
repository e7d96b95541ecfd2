"""What has to be known of deliveries before they go: what is settled, how their hosts are, who signs."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from services.fanout_deliverer.insist import insist
from services.fanout_deliverer.lanes import Place
from services.fanout_deliverer.signers import Signers
from shared.database import deliveries, hosts, superseding
from shared.database.hosts import Host
from shared.database.pool import Pool, by_index, unavailable_when_down
from shared.protocol.messages import Delivery, Target
from shared.resolution import DomainBlocks

Key = tuple[bytes, str]


class Job(Struct, frozen=True):
    """One target of one delivery, with its place in its host's lane."""

    delivery: Delivery
    target: Target
    host: str
    key: Key
    place: Place


class Facts(Struct, frozen=True):
    """What the database knew when the batch began.

    `pointless` are deliveries of which a newer one says that they need not arrive; `behind` those that wait
    for an earlier one that is parked, and until when.
    """

    settled: Collection[Key]
    hosts: dict[str, Host]
    pointless: Collection[Key] = ()
    behind: Mapping[Key, datetime] = {}


class FactFinder:
    """Asks the database; an outage is waited out.

    Args:
        pool: The database.
        signers: The keys are loaded along.
        blocks: Suspended domains, kept up to date along.
    """

    def __init__(self, pool: Pool, signers: Signers, blocks: DomainBlocks) -> None:
        self._pool = pool
        self._signers = signers
        self._blocks = blocks

    async def find(self, jobs: Sequence[Job]) -> Facts:
        """Return what is known of these deliveries, and have their signers and the blocks at hand."""
        return await insist(lambda: self._look_up(jobs), "delivery_facts_held")

    async def _look_up(self, jobs: Sequence[Job]) -> Facts:
        await self._blocks.refresh()
        with unavailable_when_down():
            async with self._pool.acquire() as conn, by_index(conn):
                await self._signers.load(conn, {job.delivery.actor_id for job in jobs})
                # Of two copies in hand, one of them released, it is the released one that counts.
                released = list({job.key: None for job in jobs if job.target.released})
                let_go = set(released)
                updates = [job.key for job in jobs if job.delivery.activity_type == "Update"]
                return Facts(
                    settled=await deliveries.settled(
                        conn, [job.key for job in jobs], [job.key in let_go for job in jobs]
                    ),
                    hosts=await hosts.known_hosts(conn, list({job.host for job in jobs})),
                    pointless=await superseding.pointless(conn, released) if released else (),
                    behind=await superseding.behind_parked(conn, updates) if updates else {},
                )
