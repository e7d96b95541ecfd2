"""Two runs side by side: what became better, what worse, and whether that is too much."""

import sys

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from services.load_generator.results import Report, Stage

_NOISE = {"p50 answer": 0.002, "p99 answer": 0.01, "p99 effect": 0.05, "p99 delivery": 0.05, "drain": 0.5}
"""Differences in seconds that mean nothing."""
_FAULTS = frozenset({"lost", "doubled", "forged", "errors", "out of order"})
_WHOLE = 1000
"""From here on figures are shown without decimals."""


class Change(Struct, frozen=True, kw_only=True):
    """One figure in both runs; `worse` beyond what is tolerated."""

    stage: str
    figure: str
    before: float
    after: float
    worse: bool


def changes(before: Report, after: Report, tolerance: float) -> list[Change]:
    """Return every figure that both runs have.

    Args:
        before: The earlier run.
        after: The later one.
        tolerance: The share by which a figure may grow; faults may not grow at all.
    """
    found = []
    if before.knee is not None and after.knee is not None:
        worse = after.knee < before.knee * (1 - tolerance)
        found.append(Change(stage="", figure="knee", before=before.knee, after=after.knee, worse=worse))
    old = {stage.name: stage for stage in before.stages}
    for stage in after.stages:
        if stage.name in old:
            found += _of_stage(old[stage.name], stage, tolerance)
    return found


def _of_stage(before: Stage, after: Stage, tolerance: float) -> list[Change]:
    old, new = _figures(before), _figures(after)
    found = []
    for name in old.keys() & new.keys():
        allowed = old[name] if name in _FAULTS else old[name] * (1 + tolerance) + _NOISE.get(name, 0.0)
        worse = new[name] > allowed
        found.append(Change(stage=after.name, figure=name, before=old[name], after=new[name], worse=worse))
    return sorted(found, key=lambda change: list(old).index(change.figure))


def _figures(stage: Stage) -> dict[str, float]:
    figures = {
        "p50 answer": stage.accept.figures.p50,
        "p99 answer": stage.accept.figures.p99,
        "p99 effect": stage.effect.figures.p99,
        "drain": stage.drain,
        "errors": float(stage.errors),
        "lost": float(stage.account.lost),
        "doubled": float(stage.account.doubled),
        "forged": float(stage.account.forged),
    }
    if stage.outbound is not None:
        figures["p99 delivery"] = stage.outbound.latency.figures.p99
        figures["out of order"] = float(stage.outbound.account.out_of_order)
        figures["lost"] += stage.outbound.account.lost
        figures["doubled"] += stage.outbound.account.doubled
    cpu = sum(stage.cpu_per_item.values())
    return figures | ({"CPU µs per item": cpu * 1e6} if cpu else {})


def compare(before: Report, after: Report, *, tolerance: float, as_json: bool, console: Console) -> bool:
    """Print the comparison; return whether the later run is worse."""
    found = changes(before, after, tolerance)
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        console.print(_table(before, after, found))
        for report in (before, after):
            if report.invalid:
                console.print(f"{report.name} is invalid: {report.invalid[0]}", style="yellow")
    return any(change.worse for change in found)


def _table(before: Report, after: Report, found: list[Change]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", title=f"{before.name} → {after.name}")
    for column in ("stage", "figure", "before", "after", "change", ""):
        table.add_column(column, justify="left" if column in {"stage", "figure", ""} else "right")
    for change in found:
        share = f"{(change.after / change.before - 1):+.0%}" if change.before else ""
        mark = "[red]worse[/red]" if change.worse else ""
        cells = (_number(change.before), _number(change.after))
        table.add_row(change.stage, change.figure, *cells, share, mark)
    return table


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= _WHOLE else f"{value:.4g}"
