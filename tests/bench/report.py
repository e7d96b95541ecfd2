"""What a run of the benchmarks found: how it is kept, and how it is printed beside aims and the last time."""

import time
from pathlib import Path

from msgspec import Struct, field, json
from rich.console import Console
from rich.table import Table

from tests.bench.aims import Verdict
from tests.bench.anchors import Cores
from tests.bench.registry import Case

KEPT = Path(__file__).parents[2] / ".local/bench"


class Report(Struct):
    """Medians over the runs, by case and component; `items` and `runs` where all cases were told the same.

    `cores` and `aims`, the latter by case, are missing in what was kept before there were any.
    """

    at: float
    machine: str
    items: int | None
    runs: int | None
    cases: dict[str, dict[str, float]]
    cores: Cores | None = None
    aims: dict[str, Verdict] = field(default_factory=dict)


def last_kept(folder: Path = KEPT) -> Report | None:
    """Return the newest report kept, if there is one."""
    files = sorted(folder.glob("*.json"))
    return json.decode(files[-1].read_bytes(), type=Report) if files else None


def keep(report: Report, folder: Path = KEPT) -> Path:
    """Write the report and return where."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(report.at))}.json"
    file.write_bytes(json.format(json.encode(report)))
    return file


def show(console: Console, report: Report, before: Report | None, cases: dict[str, Case]) -> None:
    """Print what the cores are worth, and one table per case."""
    if report.cores is not None:
        console.print(_table_of_cores(report.cores))
    for name, figures in report.cases.items():
        old = before.cases.get(name, {}) if before else {}
        console.print(_table_of(cases[name], figures, old, report.aims.get(name)))


def _table_of_cores(cores: Cores) -> Table:
    table = Table(
        title="these cores beside the reference cores",
        title_justify="left",
        caption=f"RSA signatures take {cores.rsa:.2f} times the CPU of the reference cores, all else "
        f"{cores.other:.2f} times: the median of the others, half of which are from {cores.low:.2f} to "
        f"{cores.high:.2f}.",
        caption_justify="left",
    )
    for column in ("", "CPU µs here", "there", "times"):
        table.add_column(column, justify="right" if column else "left")
    for one in cores.anchors:
        table.add_row(one.name, _shown(one.here), _shown(one.there), f"{one.ratio:.2f}")
    return table


def _table_of(case: Case, figures: dict[str, float], old: dict[str, float], verdict: Verdict | None) -> Table:
    table = Table(title=f"{case.name}: {case.title}", title_justify="left")
    for column in ("", case.unit, "before", *(_AIM_COLUMNS if verdict else ())):
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    for part, value in figures.items():
        was = _shown(old[part]) if part in old else "-"
        aim = _aim(verdict) if verdict and verdict.figure == part else ()
        table.add_row(part, _shown(value), was, *aim, style="bold" if part == "total" else "")
    return table


_AIM_COLUMNS = ("aim there", "aim here", "held?")


def _aim(verdict: Verdict) -> tuple[str, str, str]:
    by = 100 * (verdict.measured / verdict.here - 1)
    return _shown(verdict.there), _shown(verdict.here), "held" if verdict.held else f"missed by {by:.0f} %"


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
