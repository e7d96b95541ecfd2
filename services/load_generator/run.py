"""A whole run: look at the target, raise the fediverse, load it, audit, report."""

import asyncio
import os
import platform
import time
from contextlib import AsyncExitStack

import msgspec
import psutil

from services.load_generator import knee, safety, verdict
from services.load_generator.live import Progress as Live
from services.load_generator.options import Options
from services.load_generator.outbound import Publisher
from services.load_generator.results import Generators, Machine, Report, Stage
from services.load_generator.scenario import Scenario, stretched
from services.load_generator.schedule import Points, area_of, level, scaled
from services.load_generator.setup import Setup
from services.load_generator.stage import StageRun, latency
from shared.runtime.settings import Settings

_WARM_UP_DRAIN = 20.0
_PATIENCE = 4
"""How many times longer than allowed a stage of a knee search may drain: none burdens the next one."""


class Run:
    """One run.

    Args:
        scenario: What to do.
        options: To whom, and how.
        settings: Those of the site under test, where this is its own machine or network.
        live: Shows what happens.
    """

    def __init__(self, scenario: Scenario, options: Options, settings: Settings, live: Live) -> None:
        if options.seconds and scenario.knee is None:
            scenario = stretched(scenario, options.seconds)
        self._scenario, self._options, self._settings, self._live = scenario, options, settings, live
        self._begun = time.time()
        self.name = time.strftime("%Y%m%d-%H%M%S-", time.gmtime(self._begun)) + scenario.name
        self._prefix = f"{int(self._begun * 1000):x}"
        self._stages: list[Stage] = []
        self._number = 0
        self._interrupted = False
        self._stage: StageRun | None = None
        self._knee: tuple[float | None, str] = (None, "")

    def interrupt(self) -> None:
        """Stop sending; what was sent is still looked for, and reported."""
        self._interrupted = True
        if self._stage is not None:
            self._stage.stop()

    async def go(self) -> Report:
        """Do it all; raises Rejected or Unavailable where it cannot even begin."""
        load_before = psutil.getloadavg()[0]
        place = await safety.locate(self._options.origin)
        why = await safety.check(place, self._options.consent)
        self._live.say(f"Target: {place.origin} ({why})")
        async with AsyncExitStack() as stack:
            setup = await Setup.open(
                stack, self._scenario, self._options, self._settings, place=place, prefix=self._prefix
            )
            try:
                await setup.raise_posts()
                for line in setup.notes:
                    self._live.say(line)
                setup.neighbourhood.act()
                await (self._search(setup) if self._scenario.knee else self._load(setup))
            finally:
                await setup.clean_up()
            return self._report([observer.name for observer in setup.observers], load_before)

    async def _load(self, setup: Setup) -> None:
        traffic = self._scenario.traffic
        line = scaled(traffic.line, rate=self._options.rate, seconds=None) if traffic.mix else []
        await self._stage_of(setup, self._scenario.name, line, drain=self._scenario.drain)

    async def _search(self, setup: Setup) -> None:
        search = self._scenario.knee
        if search is None:
            return
        search = msgspec.structs.replace(
            search,
            seconds=self._options.seconds or search.seconds,
            start=self._options.rate or search.start,
        )
        # Keys are fetched once in a long while: that cost belongs to no rate.
        seconds = len(setup.neighbourhood.population) / search.start
        line = level(search.start, seconds)
        await self._stage_of(setup, "roll call", line, drain=_WARM_UP_DRAIN, roll_call=search.start)
        self._stages.clear()

        async def attempt(rate: float) -> Stage:
            line = level(rate, search.seconds)
            await self._stage_of(setup, f"{rate:.0f}/s", line, drain=_PATIENCE * search.drain)
            failure = knee.why_not(self._stages[-1], search) or "; ".join(verdict.spoiled(self._stages[-1]))
            stage = self._stages[-1] = msgspec.structs.replace(self._stages[-1], held=not failure)
            p99 = stage.effect.figures.p99
            self._live.say(f"  {rate:.0f}/s {failure or 'holds'}; p99 to the effect {p99:.2f} s")
            return stage

        deadline = time.monotonic() + search.within

        def stopped() -> str:
            if self._interrupted:
                return "stopped"
            return f"{search.within:.0f} s were over" if time.monotonic() > deadline else ""

        self._knee = await knee.search(search, attempt, stopped=stopped)

    async def _stage_of(
        self, setup: Setup, name: str, line: Points, *, drain: float, roll_call: float = 0.0
    ) -> None:
        self._number += 1
        traffic = msgspec.structs.replace(self._scenario.traffic, points=list(line), rate=0.0, seconds=0.0)
        prefix = f"{self._prefix}-{self._number}"
        planner = setup.planner(traffic, self._number)
        steps = planner.roll_call(prefix, roll_call) if roll_call else planner.steps(prefix) if line else []
        jobs = setup.jobs(traffic, prefix, self._number, roll_call)
        posts = self._scenario.posts
        total = max(line[-1][0] if line else 0.0, posts.seconds if posts else 0.0)
        self._live.stage(f"{name} ({len(steps)} requests)" if steps else name, total)
        stage = self._stage = StageRun(
            name, steps, jobs, line, setup.tools(self._live), late_after=self._scenario.late_after
        )
        before, publisher = setup.sampler.cpu(), setup.publisher()
        outage = asyncio.create_task(setup.neighbourhood.suffer(self._scenario.outage))
        setup.neighbourhood.busiest = 0.0
        await setup.neighbourhood.during(stage.run(drain=drain, publisher=publisher))
        outage.cancel()
        setup.followed += stage.followed
        used = {name: after - before.get(name, after) for name, after in setup.sampler.cpu().items()}
        self._stages.append(await _result(setup, stage, line, used, publisher))

    def _report(self, observers: list[str], load_before: float) -> Report:
        limits = self._scenario.limits | self._options.limits
        best, reason = self._knee
        stages = [stage for stage in self._stages if stage.held]
        held = verdict.checks(stages, limits)
        because = [] if self._interrupted else verdict.invalid(stages)
        if self._scenario.knee and best is None and not self._interrupted:
            because.append("no rate held, not even the lowest one that was tried")
        return Report(
            name=self.name,
            title=self._scenario.title,
            target=self._options.origin,
            started=self._begun,
            seconds=time.time() - self._begun,
            seed=self._options.seed,
            machine=machine(load_before),
            observers=observers,
            stages=self._stages,
            checks=held,
            invalid=because,
            verdict=verdict.conclude(invalid_because=because, held=held, interrupted=self._interrupted),
            knee=best,
            knee_reason=reason,
        )


async def _result(
    setup: Setup, stage: StageRun, line: Points, used: dict[str, float], publisher: Publisher | None
) -> Stage:
    """Draw the account of a stage."""
    findings = list(stage.findings)
    for observer in setup.observers:
        findings += await observer.confirm(stage.ledger)
    if publisher is not None and publisher.failed:
        findings.append(f"{publisher.failed} posts were not taken by the client API")
    tally, audit = stage.tally, setup.audit
    states = await setup.settle_deliveries(publisher, stopped=stage.stopped)
    account = stage.ledger.account()
    seconds = max(line[-1][0] if line else 0.0, 1e-3)
    items = max(1, account.settled + (audit.arrivals if audit else 0))
    queued = [moment.queued for moment in stage.moments if moment.queued is not None]
    return Stage(
        name=stage.name,
        seconds=seconds,
        offered=area_of(line) / seconds if line else 0.0,
        sent=tally.sent,
        achieved=tally.sent / max(seconds, tally.last - stage.start),
        accepted=tally.accepted,
        errors=tally.errors,
        answers={kind: dict(counts) for kind, counts in tally.answers.items()},
        accept=latency(tally.accept),
        effect=latency(stage.ledger.latency),
        account=account,
        outbound=audit.result(
            posts=publisher.published if publisher else 0,
            followers=setup.followers if publisher else 0,
            states=states,
        )
        if audit
        else None,
        drain=stage.drain,
        peak_open=max((moment.open for moment in stage.moments), default=0),
        peak_queued=max(queued, default=None),
        cpu_per_item={name: seconds_used / items for name, seconds_used in used.items()},
        generators=Generators(
            processes=setup.options.generators if tally.sent else 0,
            late_p99=tally.late.percentile(99),
            late_max=tally.late.maximum,
            starved=sum(stage.starved.values()),
            busiest=max(stage.cores.values(), default=0.0),
            servers_busy=setup.neighbourhood.busiest,
        ),
        moments=stage.moments,
        findings=findings,
    )


def machine(load_before: float) -> Machine:
    """Return where this runs."""
    return Machine(
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        cores=os.cpu_count() or 1,
        memory=psutil.virtual_memory().total,
        load_before=load_before,
    )
