"""A backlog: signed posts wait in `inbox.received` while nobody works, then they are drained.

What must not happen: that a service grows with what waits, or that the last tenth is slower than the first.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPMethod

from msgspec import Struct

from services.load_generator.signing import SignedRequest
from shared.protocol.messages import MAX_ITEMS, Codec, ReceivedRequest
from shared.queue.connection import connect
from shared.queue.publisher import Publisher
from shared.queue.topology import ACTIVITY_ACCEPTED, INBOX_RECEIVED
from shared.signatures.form import signed_headers
from shared.signatures.verify import read_signature
from shared.telemetry.logging import new_trace
from tests.bench.accounting import tree_bytes, tree_seconds
from tests.bench.cases.inbound import ACTORS, Creates, let_locals_follow
from tests.bench.posting import Activity, send, signed
from tests.bench.registry import Case, Figures
from tests.bench.surroundings import Surroundings, surroundings
from tests.infrastructure import Infrastructure, eventually

WORKERS = ("signature_verifier", "timeline_builder")
TOGETHER = 8 * MAX_ITEMS
"""Requests that are signed and published at once, so that the benchmark itself holds few."""

LOOK = 0.5
"""Seconds between two looks at those who drain."""

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


def received(activity: Activity, request: SignedRequest) -> ReceivedRequest:
    """Return a signed request as the receiver queues it."""
    actor, activity_id, body = activity
    first, *fields = request.wire[: -len(body)].decode().strip().split("\r\n")
    headers = tuple((name.lower(), value) for name, _, value in (field.partition(": ") for field in fields))
    return ReceivedRequest(
        method=HTTPMethod.POST,
        target=first.split(" ")[1],
        headers=signed_headers(headers, read_signature(headers)),
        body=body,
        received_at=datetime.now(UTC),
        trace=new_trace(),
        activity_id=activity_id,
        activity_type="Create",
        actor=actor.uri,
    )


async def let_wait(around: Surroundings, posts: Iterator[Activity]) -> None:
    """Put posts into the queue of the verifier."""
    codec = Codec(ReceivedRequest)
    async with connect(around.site.broker_url, "bench", [INBOX_RECEIVED]) as broker:
        await broker.wait_until_up()
        publisher = Publisher(broker)
        while batch := list(itertools.islice(posts, TOGETHER)):
            requests = [received(*pair) for pair in zip(batch, signed(around, batch), strict=True)]
            await publisher.publish(INBOX_RECEIVED, codec, requests)
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
    """Return the rate, the cost and the memory, of the first tenth and of the last."""
    if samples[0].applied >= items / 10:
        raise SystemExit(f"{items} posts are drained before both services are ready: take more")
    found: dict[str, float] = {}
    for name, share in (("first", 0.0), ("last", 0.9)):
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


async def once(around: Surroundings, creates: Creates, items: int) -> Figures:
    """Let a backlog come to be, have it drained, and make sure that nothing is missing."""
    before = await around.connection.fetchval("SELECT count(*) FROM claims")
    async with nobody_working(around):
        await let_wait(around, creates(items))
        began = time.monotonic()
    found = figures(await drained(around, items), items)
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
        return [await once(around, creates, items) for _ in range(runs)]


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
