"""The plots of a report: which figures go into which picture."""

from collections.abc import Callable, Sequence

from services.load_generator.histogram import Histogram
from services.load_generator.plots import Line, Plot
from services.load_generator.results import Moment, Report, Stage
from services.load_generator.verdict import spoiled

_MIB = 1 << 20
_PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.99)
_ACROSS = "seconds from the start"


def of_stage(stage: Stage) -> list[Plot]:
    """Return the plots of one stage."""
    moments = stage.moments
    return [
        Plot(
            title="Throughput",
            x=_ACROSS,
            y="per second",
            lines=_over(
                moments,
                {
                    "due": lambda one: one.due,
                    "sent": lambda one: one.sent,
                    "effects": lambda one: one.effects,
                    "deliveries": lambda one: one.arrivals,
                },
            ),
        ),
        Plot(
            title="Time to the answer",
            x=_ACROSS,
            y="seconds",
            lines=_over(
                moments,
                {"median": lambda one: one.p50, "p90": lambda one: one.p90, "p99": lambda one: one.p99},
            ),
        ),
        Plot(
            title="Time to the effect",
            x=_ACROSS,
            y="seconds",
            lines=_over(
                moments,
                {
                    "median": lambda one: one.effect_p50,
                    "p90": lambda one: one.effect_p90,
                    "p99": lambda one: one.effect_p99,
                },
            ),
        ),
        Plot(
            title="Acknowledged and not yet applied; messages in the broker",
            x=_ACROSS,
            y="count",
            lines=_over(
                moments, {"open": lambda one: one.open, "queued messages": lambda one: one.queued or 0}
            ),
        ),
        _distribution(stage),
        _components(moments, "CPU by component", "cores", lambda one: one.cpu, 1.0),
        _components(moments, "Memory by component", "MiB", lambda one: one.memory, _MIB),
    ]


def knee(report: Report, allowed: float) -> Plot:
    """Return the picture of a knee search: latency over the rate, with what was allowed."""
    stages = sorted(report.stages, key=lambda stage: stage.offered)
    held = [stage for stage in stages if stage.held]
    spoilt = [stage for stage in stages if not stage.held and spoiled(stage)]
    failed = [stage for stage in stages if not stage.held and stage not in spoilt]
    rates = [stage.offered for stage in stages]
    lines = [
        Line(name="p99 to the effect", points=_p99(held), dots=True),
        Line(name="did not hold", points=_p99(failed), dots=True, joined=False),
        Line(name="the generator's limit", points=_p99(spoilt), dots=True, joined=False),
        Line(name="allowed", points=[(min(rates), allowed), (max(rates), allowed)], dashed=True),
    ]
    lines = [line for line in lines if line.points]
    return Plot(
        title="Knee", x="requests per second offered", y="seconds (p99)", lines=lines, logarithmic=True
    )


def _p99(stages: Sequence[Stage]) -> list[tuple[float, float]]:
    return [(stage.offered, max(stage.effect.figures.p99, 1e-3)) for stage in stages]


def _over(moments: Sequence[Moment], lines: dict[str, Callable[[Moment], float]]) -> list[Line]:
    found = [
        Line(name=name, points=[(moment.second, read(moment)) for moment in moments])
        for name, read in lines.items()
    ]
    return [line for line in found if any(y for _, y in line.points)]


def _components(
    moments: Sequence[Moment],
    title: str,
    unit: str,
    read: Callable[[Moment], dict[str, float] | dict[str, int]],
    divisor: float,
) -> Plot:
    names = sorted({name for moment in moments for name in read(moment)})
    lines = [
        Line(name=name, points=[(one.second, read(one).get(name, 0) / divisor) for one in moments])
        for name in names
    ]
    return Plot(title=title, x=_ACROSS, y=unit, lines=lines)


def _distribution(stage: Stage) -> Plot:
    wanted = {"to the answer": stage.accept, "to the effect": stage.effect}
    if stage.outbound is not None:
        wanted["to the delivery"] = stage.outbound.latency
    lines = [
        Line(
            name=name,
            points=[
                (percent, max(Histogram(latency.counts).percentile(percent), 1e-4))
                for percent in _PERCENTILES
            ],
        )
        for name, latency in wanted.items()
        if latency.figures.count
    ]
    return Plot(title="Latency by percentile", x="percentile", y="seconds", lines=lines, logarithmic=True)
