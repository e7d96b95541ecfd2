"""A backlog: signed posts wait in `inbox.received` while nobody works, then they are drained.

What must not happen: that a service grows with what waits, or that the last tenth is slower than the first.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec import Struct

from shared.queue.connection import connect
from shared.queue.publisher import Publisher
from shared.queue.topology import ACTIVITY_ACCEPTED, INBOX_RECEIVED
from tests.bench.accounting import tree_bytes, tree_seconds
from tests.bench.backlogs import Senders, introduce, messages, senders_of
from tests.bench.cases.inbound import ACTORS, Creates, let_locals_follow
from tests.bench.posting import send, signed
from tests.bench.registry import Case, Figures
from tests.bench.surroundings import Surroundings, surroundings
from tests.infrastructure import Infrastructure, eventually

WORKERS = ("signature_verifier", "timeline_builder")
LOOK = 0.5
"""Seconds between two looks at those who drain."""

TENTHS = {"first": 0.0, "fourth": 0.3, "seventh": 0.6, "last": 0.9}
"""What is looked at of a drain, and where it begins."""

PATIENCE = 60.0
"""Seconds without any progress after which the drain counts as stuck."""

_MIB = 1 << 20


class Sample(Struct, frozen=True):
    """One look: when, how many posts are applied, CPU seconds, and the private bytes of each worker."""

    at: float
    applied: int
    seconds: float
    bytes: dict[str, int]
    age: float


async def let_wait(around: Surroundings, senders: Senders, numbers: range) -> None:
    """Put posts into the queue of the verifier."""
    async with connect(around.site.broker_url, "bench", [INBOX_RECEIVED]) as broker:
        await broker.wait_until_up()
        publisher = Publisher(broker)
        async for some in messages(senders, numbers):
            await publisher.publish_many([(INBOX_RECEIVED, message) for message in some])
        await publisher.close()


@asynccontextmanager
async def nobody_working(around: Surroundings) -> AsyncIterator[None]:
    """Stop verifier and builder for the length of a block; both start anew after it."""
    for service in WORKERS:
        process = around.site.processes[service].running
        process.terminate()
        await process.wait()
    yield
    await asyncio.gather(*(around.site.start_service(service) for service in WORKERS))


async def look(around: Surroundings) -> Sample:
    """Return how far they are and what they take."""
    site = around.site
    pids = {service: site.processes[service].pid for service in WORKERS}
    servers = around.pids["broker"] + around.pids["database"]
    applied = await site.count("timeline_builder", "heddle_batch_items_sum", queue=ACTIVITY_ACCEPTED)
    return Sample(
        at=time.monotonic(),
        applied=int(applied),
        seconds=sum(map(tree_seconds, [*pids.values(), *servers])),
        bytes={service: tree_bytes(pid) for service, pid in pids.items()},
        age=await site.count("signature_verifier", "heddle_oldest_age_seconds", queue=INBOX_RECEIVED),
    )


async def drained(around: Surroundings, items: int) -> list[Sample]:
    """Look on until everything is applied; return what was seen."""
    samples = [await look(around)]
    moved = time.monotonic()
    while samples[-1].applied < items:
        await asyncio.sleep(LOOK)
        samples.append(await look(around))
        if samples[-1].applied > samples[-2].applied:
            moved = time.monotonic()
        elif time.monotonic() - moved > PATIENCE:
            raise SystemExit(f"stuck at {samples[-1].applied} of {items}")
    return samples


def figures(samples: list[Sample], items: int) -> dict[str, float]:
    """Return the rate, the cost and the memory, of the first tenth, of two on the way, and of the last."""
    if samples[0].applied >= items / 10:
        raise SystemExit(f"{items} posts are drained before both services are ready: take more")
    found: dict[str, float] = {}
    for name, share in TENTHS.items():
        begin, end = (
            next(index for index, one in enumerate(samples) if one.applied >= items * edge)
            for edge in (share, share + 0.1)
        )
        some = samples[begin : max(end, begin + 1) + 1]
        count = some[-1].applied - some[0].applied
        found[f"posts a second, {name} tenth"] = count / (some[-1].at - some[0].at)
        found[f"CPU µs per post, {name} tenth"] = (some[-1].seconds - some[0].seconds) / count * 1e6
        for service in WORKERS:
            found[f"{service} MiB, {name} tenth"] = max(one.bytes[service] for one in some) / _MIB
    for service in WORKERS:
        found[f"{service} MiB, peak"] = max(one.bytes[service] for one in samples) / _MIB
    found["oldest age, s, peak"] = max(one.age for one in samples)
    return found


async def once(around: Surroundings, senders: Senders, numbers: range) -> Figures:
    """Let a backlog come to be, have it drained, and make sure that nothing is missing."""
    items = len(numbers)
    before = await around.connection.fetchval("SELECT count(*) FROM claims")
    async with nobody_working(around):
        filling = time.monotonic()
        await let_wait(around, senders, numbers)
        began = time.monotonic()
    found = figures(await drained(around, items), items)
    found["filling, s"] = began - filling
    found["whole drain, s"] = time.monotonic() - began

    async def all_stored() -> bool:
        # The last batch is counted before it is committed.
        return bool(await around.connection.fetchval("SELECT count(*) FROM claims") - before == items)

    await eventually(all_stored, f"all {items} posts to be stored, each once", seconds=PATIENCE, pause=LOOK)

    async def nothing_old() -> bool:
        return not await around.site.count(
            "signature_verifier", "heddle_oldest_age_seconds", queue=INBOX_RECEIVED
        )

    await eventually(nothing_old, "the oldest age to be none", seconds=PATIENCE, pause=LOOK)
    return Figures(found)


async def measure(infrastructure: Infrastructure, *, items: int, runs: int) -> list[Figures]:
    """Return the figures of each run."""
    async with surroundings(infrastructure, hosts=10, actors_per_host=ACTORS // 10) as around:
        creates = Creates(around.population)
        await send(around, signed(around, creates(ACTORS)))
        await let_locals_follow(around)
        senders = senders_of(around)
        await introduce(around, senders)
        return [await once(around, senders, creates.take(items)) for _ in range(runs)]


CASE = Case(
    name="backlog",
    title="posts that waited while nobody worked, with 5 local followers, as they are drained",
    measure=measure,
    unit="as named",
    items=100_000,
    runs=1,
    order=15,
    by_default=False,
)
