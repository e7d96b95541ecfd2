"""One uninterrupted load: generators send, observers look, a sample every second, then the drain."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

import aiohttp
from msgspec import Struct

from services.load_generator.children import Child, child
from services.load_generator.frames import Done, Job, Progress, Ready, Start, Stop
from services.load_generator.histogram import Histogram
from services.load_generator.kinds import KINDS
from services.load_generator.ledger import Ledger
from services.load_generator.observers import Observer
from services.load_generator.outbound import OutboundAudit, Publisher
from services.load_generator.plan import Step, taken_back
from services.load_generator.results import Latency, Moment
from services.load_generator.sampler import Sampler
from services.load_generator.schedule import Points, rate_at
from services.load_generator.tally import Tally
from shared.protocol.errors import Unavailable

_LEAD = 0.3
"""Seconds between the word to start and the start: every process has it by then."""
_LOOK_EVERY = 0.5
_WAITED_FOR = 4000
"""How many of the oldest unsettled ids an observer is asked for at a time."""
_SETTLE = 0.5


class Tools(Struct, frozen=True):
    """What a stage works with."""

    observers: Sequence[Observer]
    sampler: Sampler
    audit: OutboundAudit | None
    live: Callable[[Moment, str], None]
    slow: Callable[[str], bool]


class StageRun:
    """Runs one stage.

    Args:
        name: For the report.
        steps: The whole plan, of all generators.
        jobs: One for each generator process.
        line: The rate over time, for the plots.
        tools: Observers and so on.
        late_after: Seconds after which an effect is late.
    """

    def __init__(
        self,
        name: str,
        steps: Sequence[Step],
        jobs: Sequence[Job],
        line: Points,
        tools: Tools,
        *,
        late_after: float,
    ) -> None:
        self.name, self._steps, self._jobs, self._line, self._tools = name, steps, jobs, line, tools
        self.followed: list[Step] = []
        self._undone = taken_back(steps)
        self.ledger = Ledger(late_after=late_after)
        self.start = time.monotonic()
        self.tally = Tally(steps, self.ledger, self.start)
        self.moments: list[Moment] = []
        self.starved: dict[int, int] = {}
        self.cores: dict[int, float] = {}
        self.drain = 0.0
        self.stopped = False
        self.findings: dict[str, None] = {}
        self._children: list[Child] = []
        self._publisher: Publisher | None = None
        self._sending = 0
        self._effects_before = 0
        self._looked = 0.0
        self._sent_everything = self.start

    def stop(self) -> None:
        """Send nothing more; what was sent is still looked for, shortly."""
        self.stopped = True
        for one in self._children:
            one.tell(Stop())
        if self._publisher is not None:
            self._publisher.stop()

    async def run(self, *, drain: float, publisher: Publisher | None = None) -> None:
        """Send everything and look what came of it for at most `drain` seconds after."""
        self._publisher = publisher
        self._plan()
        async with AsyncExitStack() as stack:
            for job in self._jobs if self._steps else []:
                self._children.append(await stack.enter_async_context(child("generate", job)))
            await asyncio.gather(*(self._ready(one) for one in self._children))
            self._begin()
            await self._tools.sampler.look()
            background = [asyncio.create_task(self._look()), asyncio.create_task(self._sample())]
            try:
                await self._send(publisher)
                await self._drain(2.0 if self.stopped else drain)
            finally:
                for task in background:
                    task.cancel()
                await asyncio.gather(*background, return_exceptions=True)
            await self._look_once()
        if self.stopped:
            self.ledger.wait_for_all()

    async def _ready(self, one: Child) -> None:
        while not isinstance(await one.hear(), Ready):
            pass

    def _plan(self) -> None:
        """Have a line for each request before there is a start: with many it takes longer than the lead."""
        # Where only answers and notifications are seen, what is taken back early may never show.
        vague = set() if any(one.sees("unfollow") for one in self._tools.observers) else self._undone
        for step in self._steps:
            kind, seen = KINDS[step.kind], any(one.sees(step.kind) for one in self._tools.observers)
            self.ledger.plan(
                step.activity_id,
                since=step.at,
                owed="any" if step.activity_id in vague else kind.effect,
                group=step.group,
                order=step.at,
                timed=not self._tools.slow(step.actor.host),
            )
            if not seen:
                self.ledger.leave_out(step.activity_id)

    def _begin(self) -> None:
        self.start = time.monotonic() + _LEAD
        self.ledger.begin(self.start)
        self.tally = Tally(self._steps, self.ledger, self.start)
        for one in self._children:
            one.tell(Start(at=self.start))

    async def _send(self, publisher: Publisher | None) -> None:
        working = [self._follow(number, one) for number, one in enumerate(self._children)]
        if publisher is not None:
            working.append(self._publish(publisher))
        self._sending = len(working)
        await asyncio.gather(*working)
        # Due, not answered: a target that answers late has not drained while it did.
        last_due = self.start + (self._steps[-1].at if self._steps else 0.0)
        self._sent_everything = time.monotonic() if publisher or self.stopped else last_due

    async def _publish(self, publisher: Publisher) -> None:
        await publisher.run(self.start)
        self._sending -= 1

    async def _follow(self, number: int, one: Child) -> None:
        cpu, at = 0.0, time.monotonic()
        while True:
            message = await one.hear()
            if isinstance(message, Done):
                self._sending -= 1
                return
            if isinstance(message, Progress):
                self._take(message)
                now = time.monotonic()
                if cpu and now - at > 1 and self.start < at:
                    self.cores[number] = max(self.cores.get(number, 0.0), (message.cpu - cpu) / (now - at))
                if not cpu or now - at > 1:
                    cpu, at = message.cpu, now
                self.starved[number] = message.starved

    def _take(self, message: Progress) -> None:
        for outcome in message.outcomes:
            step = self.tally.record(outcome)
            # Who is unfollowed before the Accept leaves need not send it any more.
            owed = step.kind == "follow" and step.activity_id not in self._undone
            if owed and self._tools.audit and outcome.status in range(200, 300):
                self._tools.audit.expect_answer(step, outcome.scheduled)
                self.followed.append(step)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            await self._look_once()

    async def _look_once(self) -> None:
        pending = self.ledger.pending(_WAITED_FOR)
        for observer in self._tools.observers:
            try:
                self.ledger.seen_all(await observer.look(pending))
            except (Unavailable, aiohttp.ClientError, TimeoutError) as error:
                self.findings[f"{observer.name} did not answer: {type(error).__name__}"] = None

    async def _sample(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            moment = await self._moment()
            self.moments.append(moment)
            self._tools.live(moment, "sending" if self._sending else "waiting for effects")

    async def _moment(self) -> Moment:
        look = await self._tools.sampler.look()
        sent, latencies = self.tally.recent()
        lately = self.ledger.recent()
        settled = self.ledger.settled
        effects, self._effects_before = settled - self._effects_before, settled
        audit, arrivals = self._tools.audit, 0
        if audit is not None:
            arrivals, audit.recent = audit.recent, 0
        second = time.monotonic() - self.start
        # A look at busy processes takes a while: what was counted belongs to more than a second.
        passed, self._looked = max(second - self._looked, 1e-3), second
        return Moment(
            second=second,
            due=rate_at(self._line, second - passed / 2) if self._steps else 0.0,
            sent=sent / passed,
            answered=latencies.count / passed,
            effects=effects / passed,
            arrivals=arrivals / passed,
            p50=latencies.percentile(50),
            p90=latencies.percentile(90),
            effect_p50=lately.percentile(50),
            effect_p90=lately.percentile(90),
            effect_p99=lately.percentile(99),
            p99=latencies.percentile(99),
            open=self.ledger.open + (audit.ledger.open if audit else 0),
            queued=look.queued,
            cpu=look.cores,
            memory=look.memory,
        )

    async def _drain(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + deadline - time.monotonic()):
                await self._settled()
        self.drain = max(0.0, time.monotonic() - self._sent_everything)
        await asyncio.sleep(_SETTLE)  # a second copy needs a moment to show

    async def _settled(self) -> None:
        while self._owed():  # noqa: ASYNC110 - many things change it: observers, arrivals, answers
            await asyncio.sleep(0.1)

    def _owed(self) -> int:
        return self.ledger.open + (self._tools.audit.ledger.open if self._tools.audit else 0)


def latency(histogram: Histogram) -> Latency:
    """Return a histogram as it stands in a report."""
    return Latency(figures=histogram.summary(), counts=histogram.counts)
