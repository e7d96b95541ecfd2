"""Verdict, comparison, knee and page, from results made by hand."""

import random
from collections.abc import Callable

import msgspec
import pytest
from rich.console import Console

from services.load_generator import compare, knee, verdict
from services.load_generator.histogram import Histogram
from services.load_generator.ledger import Account
from services.load_generator.page import render
from services.load_generator.plots import Line, Plot, svg
from services.load_generator.results import Check, Generators, Latency, Machine, Moment, Report, Stage
from services.load_generator.scenario import LIMITS, Knee
from services.load_generator.summary import show


def latency(*seconds: float) -> Latency:
    """Return a distribution of these values."""
    histogram = Histogram()
    histogram.record_all(seconds)
    return Latency(figures=histogram.summary(), counts=histogram.counts)


MADE = Generators(processes=1, late_p99=0.001, late_max=0.01, starved=0, busiest=0.2, servers_busy=0.1)
MOMENT = Moment(
    second=1.0,
    due=100,
    sent=99,
    answered=99,
    effects=98,
    arrivals=0,
    p50=0.01,
    p90=0.015,
    p99=0.02,
    effect_p99=0.5,
    open=1,
    queued=3,
    cpu={"receiver": 0.1},
    memory={"receiver": 1 << 20},
)
STAGE = Stage(
    name="test",
    seconds=10,
    offered=100,
    sent=1000,
    achieved=100,
    accepted=1000,
    errors=0,
    answers={"create": {202: 1000}},
    accept=latency(0.01, 0.02),
    effect=latency(0.1, 0.2),
    account=Account(planned=1000, owed=1000, settled=1000),
    outbound=None,
    drain=0.2,
    peak_open=5,
    peak_queued=3,
    cpu_per_item={"receiver": 0.0003},
    generators=MADE,
    moments=[MOMENT, msgspec.structs.replace(MOMENT, second=2.0)],
)


def report_with(*stages: Stage, **changes: object) -> Report:
    """Return a report of these stages."""
    machine = Machine(system="Linux", python="3.11", cores=2, memory=1 << 33, load_before=0.1)
    found = Report(
        name="r",
        title="A <test> & more",
        target="http://loom.localhost",
        started=0,
        seconds=10,
        seed=1,
        machine=machine,
        observers=["somewhere"],
        stages=list(stages),
        checks=verdict.checks(stages, {"p99_effect": 5}),
        invalid=[],
        verdict="passed",
    )
    return msgspec.structs.replace(found, **changes)


def changed(**changes: object) -> Stage:
    """Return the good stage with these changes."""
    return msgspec.structs.replace(STAGE, **changes)


def generators(**changes: object) -> Stage:
    """Return the good stage made by worse generators."""
    return changed(generators=msgspec.structs.replace(MADE, **changes))


def test_a_good_stage_is_not_spoiled() -> None:
    """Requests that left on time, with room to spare, spoil nothing."""
    assert verdict.spoiled(STAGE) == []


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        (generators(late_p99=0.3), "300 ms late"),
        (generators(starved=50), "wait for their signature"),
        (generators(busiest=0.99), "take more of them"),
        (generators(servers_busy=1.0), "simulated servers used"),
        (changed(achieved=80), "80 requests/s left where 100 were due"),
    ],
)
def test_a_starved_generator_spoils_its_stage(stage: Stage, said: str) -> None:
    """Each way in which the generator cannot keep up is told, and makes the run invalid."""
    (reason,) = verdict.invalid([stage])
    assert said in reason
    assert verdict.conclude(invalid_because=[reason], held=[], interrupted=False) == "invalid"


@pytest.mark.parametrize(
    ("name", "spoilt", "said"),
    [
        ("lost", True, "failed"),
        ("out_of_order", True, "failed"),
        ("p99_effect", True, "invalid"),
        ("late", True, "invalid"),
        ("p99_effect", False, "failed"),
    ],
)
def test_a_spoiled_run_blames_nobody_for_its_figures(name: str, *, spoilt: bool, said: str) -> None:
    """Where the generator could not keep up, a slow figure is no failure of the target; a loss is one."""
    check = Check(name=name, limit=0, measured=1, passed=False)
    because = ["late"] if spoilt else []
    assert verdict.conclude(invalid_because=because, held=[check], interrupted=False) == said


def test_losses_fail_whatever_the_scenario_says() -> None:
    """A lost activity fails a run without any limits; so do doubled and forged ones."""
    for name in ("lost", "doubled", "forged"):
        account = msgspec.structs.replace(STAGE.account, settled=999, **{name: 1})
        stage = changed(account=account)
        assert [check.name for check in verdict.checks([stage], {}) if not check.passed] == [name]


@pytest.mark.parametrize("name", sorted(LIMITS))
def test_every_limit_can_be_measured(name: str) -> None:
    """Whatever a scenario may set a limit on has a figure."""
    assert verdict.measure(STAGE, name) >= 0


def test_the_worst_stage_counts() -> None:
    """Of several stages a limit is held against the worst."""
    slow = changed(effect=latency(9.0))
    (check,) = (one for one in verdict.checks([STAGE, slow], {"p99_effect": 5}) if one.name == "p99_effect")
    assert check.measured == pytest.approx(9, rel=0.01)
    assert not check.passed


def target_with_knee(at: float) -> Callable[[float], Stage]:
    """Return what a target that keeps up to a rate makes of a stage."""
    return lambda rate: changed(offered=rate, achieved=rate, effect=latency(0.1 if rate <= at else 20.0))


async def test_the_knee_is_found() -> None:
    """The search ends within a few percent below the rate from which on the target cannot keep up."""
    tried: list[float] = []

    async def attempt(rate: float) -> Stage:
        tried.append(rate)
        return target_with_knee(1000)(rate)

    best, reason = await knee.search(Knee(start=100, factor=2, refine=5), attempt, stopped=lambda: "")
    assert best is not None
    assert 950 < best <= 1000
    assert "p99 to the effect" in reason
    assert tried.count(1600) == 2, "a rate that fails is tried twice"


async def test_a_knee_beyond_the_generator_is_said_so() -> None:
    """Where the generator cannot keep up the search ends there, and says that it was not the target."""

    async def attempt(rate: float) -> Stage:
        return changed(offered=rate, achieved=min(rate, 500), effect=latency(0.1))

    best, reason = await knee.search(Knee(start=100, factor=2, refine=1), attempt, stopped=lambda: "")
    assert best == 400
    assert "the generator could not keep up" in reason


async def test_one_bad_moment_is_no_knee() -> None:
    """A rate that fails once and holds the second time holds."""
    tried: list[float] = []

    async def attempt(rate: float) -> Stage:
        tried.append(rate)
        return target_with_knee(1000 if tried.count(200) != 1 or rate != 200 else 10)(rate)

    best, _ = await knee.search(Knee(start=100, factor=2, refine=0), attempt, stopped=lambda: "")
    assert tried.count(200) == 2
    assert best == 800


async def test_a_start_too_high_is_searched_downwards() -> None:
    """Where the first rate fails, lower ones are tried until one holds, and the gap above it is halved."""

    async def attempt(rate: float) -> Stage:
        return target_with_knee(70)(rate)

    best, reason = await knee.search(Knee(start=400, factor=2, refine=4), attempt, stopped=lambda: "")
    assert best is not None
    assert 65 < best <= 70
    assert reason.startswith("at ")


async def test_no_rate_may_hold() -> None:
    """A target that fails at every rate has no knee."""

    async def attempt(rate: float) -> Stage:
        return target_with_knee(10)(rate)

    assert (await knee.search(Knee(start=100), attempt, stopped=lambda: ""))[0] is None


async def test_a_search_ends_in_time() -> None:
    """When the time is over the best rate so far is the answer, and the reason says that it may be higher."""
    tried: list[float] = []

    async def attempt(rate: float) -> Stage:
        tried.append(rate)
        return target_with_knee(1000)(rate)

    best, reason = await knee.search(
        Knee(start=100, factor=2), attempt, stopped=lambda: "270 s were over" if len(tried) == 2 else ""
    )
    assert (best, reason) == (200, "270 s were over")


def test_comparison_tells_what_became_worse() -> None:
    """Slower beyond the tolerance and any new fault are worse; noise and gains are not."""
    after = changed(
        effect=latency(0.5, 0.9),
        accept=latency(0.005),
        account=Account(planned=1000, owed=1000, settled=999, lost=1),
    )
    found = {one.figure: one.worse for one in compare.changes(report_with(STAGE), report_with(after), 0.2)}
    assert found["p99 effect"]
    assert found["lost"]
    assert not found["p99 answer"]
    assert not found["drain"]


def test_the_same_run_is_never_worse() -> None:
    """A report compared with itself shows no change for the worse."""
    report = report_with(STAGE)
    assert not any(one.worse for one in compare.changes(report, report, 0.0))


def test_the_page_is_one_file_that_fetches_nothing() -> None:
    """No script, no address to fetch from, all text escaped, a picture for each kind of figure."""
    page = render(report_with(STAGE, changed(name="second", held=False), knee=100.0, knee_reason="p99"))
    assert "A &lt;test&gt; &amp; more" in page
    assert page.count("<svg") == 15
    lowered = page.lower()
    for forbidden in ("<script", "href=", "src=", "@import", "url("):
        assert forbidden not in lowered


def test_the_summary_has_the_verdict() -> None:
    """A terminal shows thresholds and verdict."""
    console = Console(record=True, width=120, quiet=False, file=None)
    with console.capture() as captured:
        show(report_with(STAGE), console)
    assert "Verdict: passed" in captured.get()
    assert "p99_effect" in captured.get()


def test_an_empty_plot_is_no_picture() -> None:
    """Without points there is nothing to draw; a single point and zeros do not break the scales."""
    assert svg(Plot(title="t", x="x", y="y", lines=[])) == ""
    for logarithmic in (False, True):
        plot = Plot(title="t", x="x", y="y", lines=[Line(name="a", points=[(1, 0)])], logarithmic=logarithmic)
        assert "NaN" not in svg(plot)


def test_histograms_are_right_within_a_percent() -> None:
    """Percentiles of a million-fold range are off by less than one percent, also after being written down."""
    chance = random.Random(1)
    values = sorted(10 ** chance.uniform(-5, 1) for _ in range(20_000))
    histogram = Histogram()
    histogram.record_all(values)
    again = Histogram(histogram.counts)
    for percent in (1, 50, 90, 99, 99.9):
        exact = values[int(percent / 100 * len(values)) - 1]
        assert histogram.percentile(percent) == pytest.approx(exact, rel=0.01)
        assert again.percentile(percent) == pytest.approx(exact, rel=0.01)
    assert histogram.summary().maximum == values[-1]
