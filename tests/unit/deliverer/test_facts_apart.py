"""What has to be known of the few is not asked for together with what has to be known of the many."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

from services.fanout_deliverer.courier import Courier
from services.fanout_deliverer.facts import FactFinder, Facts, Job
from services.fanout_deliverer.lease import Lease, Pulse
from services.fanout_deliverer.precedence import Precedence
from services.fanout_deliverer.recorder import Recorder
from services.fanout_deliverer.worker import Worker
from shared.protocol.messages import Delivery, Target
from shared.resolution import DomainBlocks


class SlowForTheMany:
    """A database that has an answer about all but what is in bulk, and says that all is settled."""

    async def find(self, jobs: Sequence[Job]) -> Facts:
        """Return it, or never."""
        if any(job.delivery.activity_id == "bulk" for job in jobs):
            await asyncio.Event().wait()
        return Facts(settled={job.key for job in jobs}, hosts={})


def _delivery(name: str, author: int = 1) -> Delivery:
    return Delivery(
        activity_id=name,
        activity_type="Create",
        actor_id=author,
        body=b"{}",
        targets=(Target(inbox=f"https://{name}.example/inbox", shared=True),),
        created_at=datetime.now(UTC),
        trace="",
    )


def _worker() -> Worker:
    return Worker(
        facts=cast("FactFinder", SlowForTheMany()),
        courier=cast("Courier", None),
        recorder=cast("Recorder", None),
        blocks=cast("DomainBlocks", frozenset()),
        precedence=Precedence(),
    )


async def test_the_few_do_not_wait_for_an_answer_about_the_many() -> None:
    """While the database thinks about the bulk, it is asked about all else, too."""
    worker = _worker()
    lease = Lease(0, Pulse())
    many = asyncio.create_task(worker.deliver_bulk([_delivery("bulk")], lease))
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await worker.deliver([_delivery("few")], lease)
    assert not many.done()
    many.cancel()


async def test_the_worker_knows_who_sends_beside_the_bulk() -> None:
    """Whoever sends something is about, unless it is in their own bulk's way."""
    worker, lease, about = _worker(), Lease(0, Pulse()), list[bool]()
    for work, author in ((worker.deliver_bulk, 1), (worker.deliver, 1), (worker.deliver, 2)):
        await work([_delivery("few", author)], lease)
        worker.bystanders.look()
        about.append(worker.bystanders.about)
    assert about == [False, False, True]
